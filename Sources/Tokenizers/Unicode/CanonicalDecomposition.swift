/// Canonical decomposition (NFD) as Hugging Face's `tokenizers` does it, by Unicode 12.
///
/// Which characters were known then, and what they are made of, `tokenizers` itself was asked
/// (``UnicodeDecompositions``).
enum CanonicalDecomposition {
    static let hangulSyllables: ClosedRange<UInt32> = 0xAC00...0xD7A3

    /// The decomposition of each character that has one, Hangul syllables excepted.
    static let mappings = mappings(
        of: UnicodeTables.decomposable, UnicodeDecompositions.canonical)

    /// The decompositions of the characters in some ranges.
    ///
    /// - Parameters:
    ///   - ranges: The first and the last character of each range.
    ///   - parts: The decomposition of each of the characters, ended by a zero.
    static func mappings(of ranges: [UInt32], _ parts: [UInt32]) -> [UInt32: [UInt32]] {
        var mappings: [UInt32: [UInt32]] = [:]
        var rest = parts[...]
        UnicodeTables.forEachRange(in: ranges) { first, last in
            for scalar in first...last {
                let decomposition = rest.prefix { $0 != 0 }
                mappings[scalar] = Array(decomposition)
                rest = rest.dropFirst(decomposition.count + 1)
            }
        }
        return mappings
    }

    /// The full decomposition of one character; the character itself if it has none.
    static func decompose(_ scalar: UInt32) -> [UInt32] {
        hangulSyllables.contains(scalar) ? decomposeHangul(scalar) : mappings[scalar] ?? [scalar]
    }

    /// Splits a Hangul syllable into two or three letters (The Unicode Standard, section 3.12).
    static func decomposeHangul(_ syllable: UInt32) -> [UInt32] {
        let index = syllable - hangulSyllables.lowerBound
        let letters = [0x1100 + index / 588, 0x1161 + index % 588 / 28]
        return index % 28 == 0 ? letters : letters + [0x11A7 + index % 28]
    }

    /// The decomposition of a text, with marks in canonical order.
    static func decompose(_ text: [UInt32]) -> [UInt32] {
        var result = text.flatMap(decompose)
        let classes = result.map(combiningClass)
        var start = 0
        while start < result.count {
            guard classes[start] != 0 else {
                start += 1
                continue
            }
            let end = classes[start...].firstIndex(of: 0) ?? result.count
            // Swift's sort is not guaranteed to be stable, so the index decides too.
            let order = (start..<end).sorted { (classes[$0], $0) < (classes[$1], $1) }
            result.replaceSubrange(start..<end, with: order.map { result[$0] })
            start = end
        }
        return result
    }

    /// The canonical combining class; 0 for characters newer than the tables.
    static func combiningClass(_ scalar: UInt32) -> UInt8 {
        let isMark =
            UnicodeTables.contains(scalar, in: UnicodeTables.nonspacing)
            || UnicodeTables.contains(scalar, in: UnicodeTables.reordered)
        guard isMark, let scalar = Unicode.Scalar(scalar) else { return 0 }
        return scalar.properties.canonicalCombiningClass.rawValue
    }
}
