extension Tokenizer {
    /// The text of tokens, as the decoder of `tokenizer.json` makes it; without one, the tokens with spaces
    /// between them. Tokenizers made of `vocab.txt`, or of `vocab.json` and `merges.txt`, have the decoder that Python
    /// gives them.
    ///
    /// - Parameters:
    ///   - ids: the tokens' numbers; numbers without a token are left out.
    ///   - skipSpecialTokens: true to leave out special tokens such as `[CLS]`.
    /// - Throws: ``TokenizerError`` if the file's decoder is of a type that is not known, or malformed. Such a file can
    ///   still be used for encoding.
    public func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool = true) throws -> String {
        let tokens = ids.compactMap { id in
            skipSpecialTokens && addedVocabulary.specialIDs.contains(id)
                ? nil : addedVocabulary.vocabulary.bytes(of: id)
        }
        return try text(of: tokens.map(Array.init))
    }

    /// The text of tokens, given as they are written in the vocabulary: transformers'
    /// `convert_tokens_to_string`. They need not be of the vocabulary.
    ///
    /// - Throws: ``TokenizerError`` if the file's decoder is of a type that is not known, or malformed.
    public func decode(tokens: [String]) throws -> String {
        try text(of: tokens.map { Array($0.utf8) })
    }

    private func text(of tokens: [[UInt8]]) throws -> String {
        let decoder = try decoder.get()
        let parts = try decoder?.decode(tokens) ?? tokens
        return String(decoding: Array(parts.joined(separator: decoder == nil ? [0x20] : [])), as: UTF8.self)
    }

    /// True if tokens that continue a word are marked by a prefix such as `##` (`continuing_subword_prefix`).
    public var marksContinuations: Bool { model.marksContinuations }
}
