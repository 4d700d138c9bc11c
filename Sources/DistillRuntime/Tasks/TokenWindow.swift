import Tokenizers

/// A part of a text's tokens that a model reads in one forward pass.
package struct TokenWindow: Equatable {
    /// The tokens by their indices in the encoding, those that the tokenizer added included.
    package let tokens: [Int]
    /// The range of ``tokens`` whose predictions are taken from this window.
    package let owned: Range<Int>

    /// A text's windows: one, or where it is longer several that overlap by a quarter. A token's prediction is
    /// taken from the window in which it is further from a cut.
    package static func windows(of encoding: Encoding, maxLength: Int) -> [TokenWindow] {
        guard encoding.count > maxLength else {
            return [TokenWindow(tokens: Array(encoding.ids.indices), owned: 0..<encoding.count)]
        }
        let isSpecial = encoding.specialTokensMask.map { $0 != 0 }
        let prefix = Array(isSpecial.indices.prefix { isSpecial[$0] })
        let suffix = Array(isSpecial.indices.reversed().prefix { isSpecial[$0] }.reversed())
        let body = prefix.count..<encoding.count - suffix.count
        let room = max(1, maxLength - prefix.count - suffix.count)
        let overlap = min(stride(maxLength), room - 1)
        var windows: [TokenWindow] = []
        var start = body.lowerBound
        var ownedFrom = start
        while true {
            let end = min(start + room, body.upperBound)
            let isLast = end == body.upperBound
            // The next window begins `overlap` tokens before this one's end.
            let ownedTo = isLast ? end : end - overlap / 2
            windows.append(
                TokenWindow(
                    tokens: prefix + Array(start..<end) + suffix,
                    owned: prefix.count + ownedFrom - start..<prefix.count + ownedTo - start))
            if isLast { return windows }
            ownedFrom = ownedTo
            start = end - overlap
        }
    }

    /// The tokens that neighbors share, of windows of a length: a quarter.
    package static func stride(_ maxLength: Int) -> Int { max(0, (maxLength - 8) / 4) }
}
