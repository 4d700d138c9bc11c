extension BPE {
    /// The tokens that merges make of a token's characters on the way to it, itself among them.
    ///
    /// Merges within a token are the same wherever it occurs: none crosses its ends, or it would not be a token there, so that
    /// those within are applied in the order in which they are applied to the token alone.
    ///
    /// - Parameter id: A token of the vocabulary.
    /// - Returns: Nothing for a token that merges do not lead to, such as one that only `ignore_merges` gives.
    func path(to id: Int32) -> [Int32] {
        guard let token = vocabulary.token(of: id) else { return [] }
        var symbols: [Int32] = []
        for scalar in token.unicodeScalars {
            guard let symbol = vocabulary.id(of: String(scalar)) else { return [] }
            symbols.append(symbol)
        }
        var path = symbols
        while symbols.count > 1 {
            var best: (rank: Int32, place: Int, id: Int32)?
            for place in 0..<symbols.count - 1 {
                guard let merge = merges.merge(symbols[place], symbols[place + 1]) else { continue }
                if best.map({ merge.rank < $0.rank }) ?? true { best = (merge.rank, place, merge.id) }
            }
            guard let best else { return [] }
            symbols[best.place] = best.id
            symbols.remove(at: best.place + 1)
            path.append(best.id)
        }
        return symbols == [id] ? path : []
    }

    /// The token of each byte, of a byte-level vocabulary.
    var byteTokens: [Int32] {
        ByteLevelAlphabet.scalars.compactMap { scalar in
            Unicode.Scalar(scalar).flatMap { vocabulary.id(of: String($0)) }
        }
    }
}

extension Tokenizer {
    /// True for byte pair encoding of a text's bytes, whether or not the vocabulary has all 256 of them.
    var isBytePairs: Bool {
        guard let model = model as? BPE, !model.marksContinuations, !model.hasByteFallback else {
            return false
        }
        let stages = (preTokenizer as? PreTokenizerSequence)?.stages ?? [preTokenizer].compactMap(\.self)
        return stages.contains { $0 is ByteLevel } && isByteLevel
    }
}
