import Decoding
import DistillRuntime

/// How a language model generates, as the command line says it; what is `nil` is the model's.
struct GenerationArguments: Equatable {
    var isChat: Bool?
    var changes = GenerationOptions.Changes()
    var batchSize = 8
    /// The forms of weights that were named.
    var forms: [LanguageModel.Weights] = []

    /// The options with a value.
    static let valued: Set = [
        "--max-new-tokens", "--temperature", "--top-k", "--top-p", "--min-p", "--repetition-penalty",
        "--stop",
        "--seed", "--batch-size",
    ]
    /// All options.
    static let names = valued.union(["--chat", "--no-chat", "--int8", "--int4"])

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
        case "--max-new-tokens": changes.maxNewTokens = try option.number(1...1_000_000_000)
        case "--temperature": changes.temperature = try option.decimal("0 or above") { $0 >= 0 }
        case "--top-k": changes.topK = try option.number(1...1_000_000_000)
        case "--top-p": changes.topP = try option.decimal("above 0 and at most 1") { $0 > 0 && $0 <= 1 }
        case "--min-p": changes.minP = try option.decimal("from 0 to 1") { $0 >= 0 && $0 <= 1 }
        case "--repetition-penalty":
            changes.repetitionPenalty = try option.decimal("above 0 (1 for none)") { $0 > 0 }
        case "--stop":
            let text = try option.value()
            guard !text.isEmpty else { throw UsageError("--stop must be at least one character") }
            changes.stop.append(text)
        case "--seed":
            let text = try option.value()
            guard let number = UInt64(text) else {
                throw UsageError("--seed must be a whole number of at most 64 bits, got '\(text)'")
            }
            changes.seed = number
        case "--int8": if try option.flag() { forms.append(.int8) }
        case "--int4": if try option.flag() { forms.append(.int4) }
        case "--batch-size": batchSize = try option.number(1...65_536)
        default: return false
        }
        return true
    }
}
