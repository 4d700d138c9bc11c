extension Tokenizer {
    /// The bytes of text that a token stands for within a text, as servers of language models tell them: of byte-level tokens their
    /// bytes, of SentencePiece's with a space for `▁`, of tokens such as `<0x0A>` that byte, of added tokens their content.
    ///
    /// - Parameter id: The token's number.
    /// - Returns: `nil` for a number without a token.
    public func bytes(ofToken id: Int32) -> [UInt8]? {
        guard let token = addedVocabulary.vocabulary.bytes(of: id).map(Array.init) else { return nil }
        if addedVocabulary.specialIDs.contains(id) {
            return ByteFallbackDecoder.byte(of: token).map { [$0] } ?? token
        }
        guard !isByteLevel else { return ByteLevelAlphabet.bytes(of: token[...]) ?? token }
        if let byte = ByteFallbackDecoder.byte(of: token) { return [byte] }
        var bytes: [UInt8] = []
        var place = 0
        let mark = Array("▁".utf8)
        while place < token.count {
            if token[place...].starts(with: mark) {
                bytes.append(0x20)
                place += mark.count
            } else {
                bytes.append(token[place])
                place += 1
            }
        }
        return bytes
    }

    var isByteLevel: Bool {
        guard let decoder = try? decoder.get() else { return false }
        let stages = (decoder as? DecoderSequence)?.stages ?? [decoder]
        return stages.contains { $0 is ByteLevelDecoder }
    }
}
