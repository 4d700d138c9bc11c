/// A lookup table of each character's replacement.
struct ScalarReplacements: Sendable {
    private let steps: BertNormalizerSteps
    /// The largest ratio of a replacement's length to its character's, in bytes.
    private(set) var maximumGrowth = 1

    /// For each character a ``Kind`` in the lowest byte; for ``Kind/mapped`` also the replacement's length in the
    /// second byte and its index in ``bytes`` in the rest.
    private var table = ScalarTable()
    private var bytes: [UInt8] = []

    private enum Kind {
        /// The character is kept.
        static let unchanged: UInt32 = 0
        static let dropped: UInt32 = 1
        static let space: UInt32 = 2
        /// The character between two spaces.
        static let separated: UInt32 = 3
        /// A Hangul syllable becomes its letters.
        static let hangul: UInt32 = 4
        /// The character is replaced by others.
        static let mapped: UInt32 = 5
        /// A mark that survives `strip_accents` and is sorted among its neighbors, so that a character by itself
        /// does not determine its replacement. Such marks came into Unicode late and are very rare.
        static let reordered: UInt32 = 6
    }

    private static let made = SharedValues<BertNormalizerSteps, Deferred<ScalarReplacements>>()

    /// The table of some steps, which is made once: there are few kinds, and many tokenizers. Making it takes as long as the steps take
    /// for some thousand characters.
    static func shared(_ steps: BertNormalizerSteps) -> Deferred<ScalarReplacements> {
        made.value(of: steps) { Deferred(after: 8192) { ScalarReplacements(steps) } }
    }

    init(_ steps: BertNormalizerSteps) {
        self.steps = steps
        if steps.handleChineseChars {
            fill(UnicodeTables.chinese, Kind.separated)
            maximumGrowth = 2
        }
        if steps.stripAccents {
            let hangul = CanonicalDecomposition.hangulSyllables
            table.fill(Kind.hangul, from: hangul.lowerBound, through: hangul.upperBound)
            maximumGrowth = 3
            fill(UnicodeTables.nonspacing, Kind.dropped)
            fill(UnicodeTables.reordered, Kind.reordered)
            for (scalar, decomposed) in CanonicalDecomposition.mappings {
                let reorders = decomposed.contains { UnicodeTables.contains($0, in: UnicodeTables.reordered) }
                if reorders { table.set(Kind.reordered, for: scalar) } else { map(scalar) }
            }
        }
        if steps.lowercase {
            for scalar in UnicodeTables.uppercase { map(scalar) }
            map(0x130)
        }
        if steps.cleanText {
            fill(UnicodeTables.whitespace, Kind.space)
            fill(UnicodeTables.removed, Kind.dropped)
        }
    }

    private mutating func fill(_ ranges: [UInt32], _ kind: UInt32) {
        UnicodeTables.forEachRange(in: ranges) { table.fill(kind, from: $0, through: $1) }
    }

    /// Works the steps out for one character and notes the result.
    private mutating func map(_ scalar: UInt32) {
        let output = ByteBuffer(capacity: 32)
        for replacement in steps.apply(to: [scalar]) { output.append(replacement) }
        if output.count == 0 { return table.set(Kind.dropped, for: scalar) }
        let entry = Kind.mapped | UInt32(output.count) << 8 | UInt32(bytes.count) << 16
        table.set(entry, for: scalar)
        bytes.append(contentsOf: output.bytes)
        let length = UTF8Bytes.length(of: scalar)
        maximumGrowth = max(maximumGrowth, (output.count + length - 1) / length)
    }
}

extension ScalarReplacements {
    /// Writes what becomes of a character as UTF-8, at most ``maximumGrowth`` times as many bytes as it had.
    ///
    /// - Returns: the number of bytes, or `nil` if that depends on the neighbors.
    @inline(__always)
    func write(_ scalar: UInt32, to target: UnsafeMutablePointer<UInt8>) -> Int? {
        let entry = table[scalar]
        switch entry & 0xFF {
        case Kind.unchanged:
            return UTF8Bytes.write(scalar, to: target)
        case Kind.dropped:
            return 0
        case Kind.space:
            target[0] = 0x20
            return 1
        case Kind.separated:
            target[0] = 0x20
            let length = UTF8Bytes.write(scalar, to: target + 1)
            target[length + 1] = 0x20
            return length + 2
        case Kind.hangul:
            return writeHangul(scalar, to: target)
        case Kind.mapped:
            let (start, length) = (Int(entry >> 16), Int(entry >> 8 & 0xFF))
            for offset in 0..<length { target[offset] = bytes[start + offset] }
            return length
        default:
            return nil
        }
    }

    private func writeHangul(_ syllable: UInt32, to target: UnsafeMutablePointer<UInt8>) -> Int {
        var written = 0
        for letter in CanonicalDecomposition.decomposeHangul(syllable) {
            written += UTF8Bytes.write(letter, to: target + written)
        }
        return written
    }
}
