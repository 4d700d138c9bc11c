extension Tokenizer {
    /// The bytes of text that each token stands for within a text, by its number: 0 for special tokens and for numbers without a
    /// token.
    ///
    /// A space that a tokenizer puts before a whole text, as Llama 2's does, is counted with the token that holds it, and a text
    /// that was normalized has the bytes of its normal form.
    ///
    /// - Throws: ``TokenizerError`` if the file's decoder is of a type that is not known, or malformed.
    public func byteCounts() throws -> [Int32] {
        let vocabulary = addedVocabulary.vocabulary
        let stages = try decoder.get().map(DecoderStages.flat) ?? []
        let isByteLevel = stages.contains { $0 is ByteLevelDecoder }
        let fallback = stages.contains { $0 is ByteFallbackDecoder } ? ByteFallbackDecoder() : nil
        // A token's text behind another one, as a decoder may strip a text's beginning.
        let before = "a"
        let length = isByteLevel ? 0 : try decode(tokens: [before]).utf8.count
        var counts = [Int32](repeating: 0, count: Int(largestTokenID) + 1)
        for id in vocabulary.ids where id >= 0 {
            guard let bytes = vocabulary.bytes(of: id) else { continue }
            let count: Int
            if let fallback, fallback.decode([Array(bytes)]) != [Array(bytes)] {
                // A byte, which some files mark as special.
                count = 1
            } else if addedVocabulary.specialIDs.contains(id) {
                continue
            } else if isByteLevel {
                count = ByteLevelAlphabet.bytes(of: bytes)?.count ?? bytes.count
            } else {
                count =
                    try decode(tokens: [before, String(decoding: bytes, as: UTF8.self)]).utf8.count - length
            }
            counts[Int(id)] = Int32(max(0, count))
        }
        return counts
    }
}
