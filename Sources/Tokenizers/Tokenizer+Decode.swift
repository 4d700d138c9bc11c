extension Tokenizer {
    /// The text that tokens stand for, as the decoder of `tokenizer.json` makes it; without one, the tokens with spaces
    /// between them. Tokenizers made of `vocab.txt`, or of `vocab.json` and `merges.txt`, have the decoder that Python
    /// gives them.
    ///
    /// - Parameters:
    ///   - ids: the tokens' numbers; numbers without a token are left out.
    ///   - skipSpecialTokens: whether to leave out special tokens such as `[CLS]`.
    /// - Throws: ``TokenizerError`` if the file's decoder is of a type that is not known, or malformed. Such a file can
    ///   still be used for encoding.
    public func decode(_ ids: some Sequence<Int32>, skipSpecialTokens: Bool = true) throws -> String {
        let decoder = try decoder.get()
        let tokens = ids.compactMap { id in
            skipSpecialTokens && addedVocabulary.specialIDs.contains(id)
                ? nil : addedVocabulary.vocabulary.bytes(of: id)
        }
        let parts = try decoder?.decode(tokens.map(Array.init)) ?? tokens.map(Array.init)
        return String(decoding: Array(parts.joined(separator: decoder == nil ? [0x20] : [])), as: UTF8.self)
    }
}
