/// How texts are generated, by the names of transformers' `GenerationConfig`.
///
/// Logits are filtered in transformers' order: repetition penalty, temperature, top-k, top-p, min-p.
public struct GenerationOptions: Sendable, Equatable {
    /// The most tokens that a text gets (`max_new_tokens`).
    public var maxNewTokens = 256
    /// The divisor of the logits; 0 takes the most probable token each time (`do_sample=False`).
    public var temperature = 0.0
    /// The number of most probable tokens to choose among; tokens as probable as the last of them stay too. `nil` for all.
    public var topK: Int?
    /// The probability that the most probable tokens to choose among have together (Holtzman et al., arXiv 1904.09751); 1 for all.
    public var topP = 1.0
    /// The least probability of a token, as a fraction of the most probable one's (Nguyen et al., arXiv 2407.01082); 0 for all.
    public var minP = 0.0
    /// The factor by which logits of tokens that prompt or text already have are made less probable (Keskar et al., arXiv
    /// 1909.05858); 1 for none. It is not 1 for greedy decoding either.
    public var repetitionPenalty = 1.0
    /// Strings before which a text ends. They may begin and end within tokens, and are not part of the text.
    public var stopStrings: [String] = []
    /// Tokens at which a text ends (`eos_token_id`). They are the last of its tokens, and not part of its text.
    public var stopTokenIDs: [Int32] = []
    /// The seed of the random draws. A draw depends on the seed, the prompt's number and the token's place in the text alone.
    public var seed: UInt64 = 42
    /// True to return each token's log-probability.
    public var returnsLogProbabilities = false

    public init() {}

    /// Checks that all are in range.
    ///
    /// - Parameter vocabulary: The number of tokens of the model's vocabulary.
    /// - Throws: ``GenerationError``, which names the option.
    public func validate(vocabulary: Int) throws {
        func require(_ holds: Bool, _ name: String, _ value: Any, _ range: String) throws {
            guard holds else { throw GenerationError("\(name) is \(value); it must be \(range)") }
        }
        try require(maxNewTokens > 0, "maxNewTokens", maxNewTokens, "at least 1")
        try require(
            temperature >= 0 && temperature.isFinite, "temperature", temperature,
            "0, for the most probable token, or above")
        if let topK { try require(topK > 0, "topK", topK, "at least 1, or nil for all tokens") }
        try require(topP > 0 && topP <= 1, "topP", topP, "above 0 and at most 1")
        try require(minP >= 0 && minP <= 1, "minP", minP, "from 0 to 1")
        try require(
            repetitionPenalty > 0 && repetitionPenalty.isFinite, "repetitionPenalty", repetitionPenalty,
            "above 0 (1 for none)")
        try require(
            !stopStrings.contains(""), "a stop string", "empty", "at least one character; leave it out")
        for id in stopTokenIDs {
            try require(
                id >= 0 && Int(id) < vocabulary, "a stop token", id, "from 0 to \(vocabulary - 1)")
        }
    }
}
