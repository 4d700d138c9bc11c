/// The tokens that are found in the text before the model sees it.
struct AddedVocabulary: Sendable {
    /// An added token as a file lists it.
    struct Entry {
        var token: AddedToken
        /// The id that the file gives, if any.
        var id: Int?
    }

    /// The tokens of the model and the added ones together.
    let vocabulary: Vocabulary
    /// The added tokens with their ids.
    let tokens: [(token: AddedToken, id: Int)]
    /// The ids of special tokens.
    private(set) var specialIDs: Set<Int32> = []
    /// Finds tokens in the text as it is.
    private(set) var raw = AddedTokenMatcher()
    /// Finds tokens in the normalized text.
    private(set) var normalized = AddedTokenMatcher()

    /// Adds tokens to a model's vocabulary, as Hugging Face's `Tokenizer.add_tokens` does: a token that the model
    /// knows keeps its id there, a new one gets the next free id.
    ///
    /// - Parameters:
    ///   - entries: the tokens in order; a later one of the same content replaces an earlier one.
    ///   - splitSpecialTokens: true if special tokens in the text are treated as ordinary text.
    /// - Throws: ``TokenizerError/invalidVocabulary(file:reason:)`` if an entry's id is not the one it would get.
    init(
        _ entries: [Entry], model: any Model, normalizer: (any Normalizer)?, splitSpecialTokens: Bool,
        file: String
    ) throws {
        func invalid(_ reason: String) -> TokenizerError { .invalidVocabulary(file: file, reason: reason) }
        var tokens: [(token: AddedToken, id: Int)] = []
        var places: [[UInt8]: Int] = [:]
        var new: [(token: String, id: Int)] = []
        for entry in entries where !entry.token.content.isEmpty {
            let content = entry.token.content
            let bytes = Array(content.utf8)
            let known = places[bytes].map { tokens[$0].id } ?? model.vocabulary.id(of: content).map(Int.init)
            let id = known ?? model.vocabulary.count + new.count
            if let declared = entry.id, declared != id {
                throw invalid(
                    "added token \(quoted(content)) is given the id \(declared), but its id is \(id); correct the file"
                )
            }
            if known == nil { new.append((content, id)) }
            if let place = places[bytes] {
                tokens[place].token = entry.token
            } else {
                places[bytes] = tokens.count
                tokens.append((entry.token, id))
            }
        }

        self.tokens = tokens
        vocabulary = new.isEmpty ? model.vocabulary : try model.vocabulary.adding(new, file: file)
        raw.skipsSpecialTokens = splitSpecialTokens
        normalized.skipsSpecialTokens = splitSpecialTokens
        for (token, id) in tokens {
            guard let id = Int32(exactly: id) else { throw invalid("id \(id) is too large") }
            if token.special { specialIDs.insert(id) }
            if token.normalized {
                let pattern = try Self.normalize(token.content, with: normalizer)
                guard !pattern.isEmpty else {
                    throw invalid(
                        "added token \(quoted(token.content)) is normalized to nothing; give it \"normalized\": false"
                    )
                }
                normalized.insert(token, id: id, pattern: pattern)
            } else {
                raw.insert(token, id: id, pattern: Array(token.content.utf8))
            }
        }
    }

    private static func normalize(_ text: String, with normalizer: (any Normalizer)?) throws
        -> [UInt8]
    {
        guard let normalizer else { return Array(text.utf8) }
        var aligned = AlignedText(Array(text.utf8))
        try normalizer.normalize(&aligned)
        return aligned.bytes
    }
}
