/// The metadata that make up a tokenizer: `tokenizer.ggml.…`.
struct GGUFVocabulary {
    let checkpoint: GGUFCheckpoint
    /// How texts are split into tokens: `gpt2` or `llama`.
    let model: String
    /// How texts are split into words.
    let preTokenizer: String?
    /// The tokens, by id.
    var tokens: [String]
    /// Their meanings; all normal where the file does not say.
    let kinds: [GGUFTokenKind]
    /// Their scores, if there are any.
    let scores: [Double]?
    /// The pairs of tokens that are joined, first those that are joined first.
    let merges: [(String, String)]?

    init(_ checkpoint: GGUFCheckpoint) throws {
        self.checkpoint = checkpoint
        func error(_ name: String, _ reason: String) -> GGUFError {
            GGUFError(checkpoint.path, key: Self.key(name), reason)
        }
        guard let model = checkpoint[Self.key("model")]?.stringValue else {
            throw error("model", "is missing; the file has no tokenizer, take the one of the original model")
        }
        self.model = model
        preTokenizer = checkpoint[Self.key("pre")]?.stringValue
        guard let tokens = checkpoint[Self.key("tokens")]?.arrayValue?.strings, !tokens.isEmpty else {
            throw error("tokens", "is missing or no list of texts; take the tokenizer of the original model")
        }
        guard tokens.count <= Int(Int32.max) else { throw error("tokens", "has too many elements") }
        var known: Set<ExactName> = []
        for (id, token) in tokens.enumerated() where !known.insert(ExactName(token)).inserted {
            throw error("tokens", "element \(id), \(quoted(token)), is there twice; convert the model again")
        }
        self.tokens = tokens
        func list<Element>(_ name: String, _ read: (GGUFArray) -> [Element]?) throws -> [Element]? {
            guard let value = checkpoint[Self.key(name)] else { return nil }
            guard let elements = value.arrayValue.flatMap(read), elements.count == tokens.count else {
                throw error(name, "must be a list of \(tokens.count) numbers, one for each token")
            }
            return elements
        }
        kinds =
            try list("token_type") { $0.integers }?.enumerated().map { id, number in
                guard let kind = GGUFTokenKind(rawValue: number) else {
                    throw error(
                        "token_type", "element \(id) is \(number), which is no kind of token; use 1 to 6")
                }
                return kind
            } ?? [GGUFTokenKind](repeating: .normal, count: tokens.count)
        scores = try list("scores") { $0.doubles }
        if let scores, let id = scores.firstIndex(where: { !$0.isFinite }) {
            throw error("scores", "element \(id) is \(scores[id]), not a finite number")
        }
        guard let value = checkpoint[Self.key("merges")] else {
            merges = nil
            return
        }
        guard let lines = value.arrayValue?.strings else { throw error("merges", "must be a list of texts") }
        merges = try lines.enumerated().map { place, line in
            let parts = line.split(separator: " ", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw error(
                    "merges", "element \(place) is \(quoted(line)), not two tokens with a space between")
            }
            return (String(parts[0]), String(parts[1]))
        }
    }

    static func key(_ name: String) -> String { "tokenizer.ggml.\(name)" }

    /// A truth value, or `nil` if the file does not have it.
    func flag(_ name: String) throws -> Bool? {
        guard let value = checkpoint[Self.key(name)] else { return nil }
        guard let flag = value.boolValue else {
            throw GGUFError(checkpoint.path, key: Self.key(name), "must be a truth value")
        }
        return flag
    }

    /// The id of a special token, or `nil` if the file does not name it.
    func id(_ name: String) throws -> Int? {
        guard let value = checkpoint[Self.key(name)] else { return nil }
        // The largest number of 32 bits, or -1, is "none" to some converters.
        if value.intValue == -1 || value.intValue == Int(UInt32.max) { return nil }
        guard let id = value.intValue, tokens.indices.contains(id) else {
            throw GGUFError(
                checkpoint.path, key: Self.key(name),
                "must be the number of one of the \(tokens.count) tokens")
        }
        return id
    }
}
