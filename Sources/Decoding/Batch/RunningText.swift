import Tokenizers

/// A text that is being generated.
final class RunningText<Cache> {
    let prompt: Int
    let cache: Cache
    /// The tokens that the model has not seen yet: those of the prompt that the cache does not have, then one at a time.
    private(set) var next: [Int32]
    /// The tokens of the prompt, then those generated.
    private var tokens: [Int32]
    /// The tokens of prompt and text.
    private(set) var seen: Set<Int32> = []
    private let options: GenerationOptions
    private let promptCount: Int
    private var logProbabilities: [Float] = []
    private var tokenText: TokenText
    private var scan: StopStringScan
    private var text: [UInt8] = []
    private var finishReason: GeneratedText.FinishReason?
    /// True once a stop string was found: what comes after it is no part of the text.
    private var isCut = false

    init(
        prompt: Int, tokens: [Int32], cache: Cache, cached: Int, tokenizer: Tokenizer,
        options: GenerationOptions
    ) throws {
        (self.prompt, self.cache, self.options) = (prompt, cache, options)
        (next, self.tokens, promptCount) = (Array(tokens[cached...]), tokens, tokens.count)
        if options.repetitionPenalty != 1 { seen = Set(tokens) }
        tokenText = try TokenText(tokenizer, after: tokens)
        scan = StopStringScan(options.stopStrings)
    }

    /// The tokens after the prompt.
    var generated: ArraySlice<Int32> { tokens[promptCount...] }

    /// The tokens that the cache has once the model has seen all but the next.
    var cachedTokens: ArraySlice<Int32> { tokens.dropLast(next.count) }

    /// Adds a token.
    ///
    /// - Parameter positions: The model's positions.
    /// - Returns: The text that is final with it.
    func append(_ choice: TokenSampler.Choice, positions: Int) throws -> String {
        tokens.append(choice.token)
        next = [choice.token]
        if options.repetitionPenalty != 1 { seen.insert(choice.token) }
        if let value = choice.logProbability { logProbabilities.append(value) }
        var piece: [UInt8] = []
        if options.stopTokenIDs.contains(choice.token) {
            finishReason = .stop
        } else {
            try take(tokenText.append(choice.token), into: &piece)
            // There is a place for one token more than the model has positions: nothing is computed of it.
            let isLast =
                generated.count == options.maxNewTokens || promptCount + generated.count > positions
            if finishReason == nil, isLast { finishReason = .length }
        }
        if finishReason != nil { try end(&piece) }
        text += piece
        return String(decoding: piece, as: UTF8.self)
    }

    /// The complete text; `nil` while it goes on.
    var result: GeneratedText? {
        finishReason.map {
            GeneratedText(
                text: String(decoding: text, as: UTF8.self), tokenIDs: Array(generated),
                logProbabilities: options.returnsLogProbabilities ? logProbabilities : nil, finishReason: $0)
        }
    }

    private func take(_ bytes: [UInt8], into piece: inout [UInt8]) {
        let found = scan.append(bytes)
        piece += found.text
        if found.isFound { (finishReason, isCut) = (.stop, true) }
    }

    /// Adds what is held back.
    private func end(_ piece: inout [UInt8]) throws {
        if !isCut { try take(tokenText.finish(), into: &piece) }
        if !isCut { piece += scan.finish() }
    }
}
