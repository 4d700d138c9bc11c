import Decoding

/// How a language model generates, as the command line says it; what is `nil` is the model's.
struct GenerationArguments: Equatable {
    var isChat: Bool?
    var maxNewTokens: Int?
    var temperature: Double?
    var topK: Int?
    var topP: Double?
    var minP: Double?
    var repetitionPenalty: Double?
    var stop: [String] = []
    var seed: UInt64?
    var batchSize = 8
    var usesInt8 = false

    /// The options with a value.
    static let valued: Set = [
        "--max-new-tokens", "--temperature", "--top-k", "--top-p", "--min-p", "--repetition-penalty",
        "--stop",
        "--seed", "--batch-size",
    ]
    /// All options.
    static let names = valued.union(["--chat", "--no-chat", "--int8"])

    /// Takes one option.
    ///
    /// - Returns: False where it is none of these.
    /// - Throws: ``UsageError`` that names the option.
    mutating func read(_ option: Option) throws -> Bool {
        switch option.name {
        case "--chat", "--no-chat":
            let wanted = option.name == "--chat"
            if try option.flag(), isChat == !wanted { throw UsageError("give --chat or --no-chat, not both") }
            isChat = wanted
        case "--max-new-tokens": maxNewTokens = try option.number(1...1_000_000_000)
        case "--temperature": temperature = try option.decimal("0 or above") { $0 >= 0 }
        case "--top-k": topK = try option.number(1...1_000_000_000)
        case "--top-p": topP = try option.decimal("above 0 and at most 1") { $0 > 0 && $0 <= 1 }
        case "--min-p": minP = try option.decimal("from 0 to 1") { $0 >= 0 && $0 <= 1 }
        case "--repetition-penalty":
            repetitionPenalty = try option.decimal("above 0 (1 for none)") { $0 > 0 }
        case "--stop":
            let text = try option.value()
            guard !text.isEmpty else { throw UsageError("--stop must be at least one character") }
            stop.append(text)
        case "--seed":
            let text = try option.value()
            guard let number = UInt64(text) else {
                throw UsageError("--seed must be a whole number of at most 64 bits, got '\(text)'")
            }
            seed = number
        case "--int8": usesInt8 = try option.flag()
        case "--batch-size": batchSize = try option.number(1...65_536)
        default: return false
        }
        return true
    }

    /// Puts what was given over a model's options.
    func apply(to options: inout GenerationOptions) {
        if let maxNewTokens { options.maxNewTokens = maxNewTokens }
        if let temperature { options.temperature = temperature }
        if let topK { options.topK = topK }
        if let topP { options.topP = topP }
        if let minP { options.minP = minP }
        if let repetitionPenalty { options.repetitionPenalty = repetitionPenalty }
        options.stopStrings += stop
        if let seed { options.seed = seed }
    }
}
