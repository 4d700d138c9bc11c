import Tokenizers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension EntityAggregation {
    /// The tokens of a text with a model's predictions for them, and the beginnings of words as the pipeline guesses them.
    ///
    /// With a tokenizer that marks continuations (`##`), a token continues a word where it is not as long as its part
    /// of the text. With others it does where neither its first character nor the one before is a space. An unknown
    /// token begins a word.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - encoding: The text's tokens with their offsets, from `Tokenizer.encodeWithOffsets`.
    ///   - logits: The model's logits of each token, one row after the other.
    ///   - tokenizer: The tokenizer.
    public static func tokens(
        of text: String, encoding: Encoding, logits: [Float], tokenizer: Tokenizer
    ) -> [Token] {
        guard encoding.count > 0, encoding.offsets.count == encoding.count else { return [] }
        let scalars = Array(text.unicodeScalars)
        let width = logits.count / encoding.count
        let marksContinuations = tokenizer.marksContinuations
        return encoding.ids.indices.compactMap { index in
            guard encoding.specialTokensMask[index] == 0 else { return nil }
            let id = encoding.ids[index]
            let range = encoding.offsets[index].clamped(to: 0..<scalars.count)
            var token = Token(
                piece: tokenizer.idToToken(id) ?? "",
                scores: probabilities(logits[index * width..<(index + 1) * width]),
                start: range.lowerBound, end: range.upperBound, index: index, isSubword: false)
            if id == tokenizer.unknownTokenID {
                var part = String.UnicodeScalarView()
                part.append(contentsOf: scalars[range])
                token.piece = String(part)
            } else if marksContinuations {
                token.isSubword = token.piece.unicodeScalars.count != range.count
            } else {
                let around = scalars[max(0, range.lowerBound - 1)..<min(scalars.count, range.lowerBound + 1)]
                token.isSubword = range.lowerBound > 0 && !around.contains(" ")
            }
            return token
        }
    }

    /// The softmax of logits.
    static func probabilities(_ logits: ArraySlice<Float>) -> [Float] {
        let greatest = logits.max() ?? 0
        let powers = logits.map { exp($0 - greatest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }
}
