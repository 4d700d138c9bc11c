/// Compatibility decomposition (NFKD), of the characters that Hugging Face's `tokenizers` knows.
enum CompatibilityDecomposition {
    private static let mappings = CanonicalDecomposition.mappings.merging(
        CanonicalDecomposition.mappings(of: UnicodeTables.compatible, UnicodeDecompositions.compatible)
    ) { $1 }

    static func decompose(_ scalar: UInt32) -> [UInt32] {
        CanonicalDecomposition.hangulSyllables.contains(scalar)
            ? CanonicalDecomposition.decomposeHangul(scalar) : mappings[scalar] ?? [scalar]
    }
}

/// Canonical composition of two characters.
enum CanonicalComposition {
    /// The character of each pair.
    private static let pairs: [UInt64: UInt32] = {
        var pairs: [UInt64: UInt32] = [:]
        // Shorter decompositions first: longer ones build upon them.
        for (scalar, parts) in CanonicalDecomposition.mappings.sorted(by: {
            ($0.value.count, $0.key) < ($1.value.count, $1.key)
        }) {
            guard parts.count > 1, let last = parts.last,
                !UnicodeTables.contains(scalar, in: UnicodeDecompositions.apart)
            else { continue }
            var first = parts[0]
            for part in parts[1..<(parts.count - 1)] {
                if let next = pairs[key(first, part)] { first = next }
            }
            pairs[key(first, last)] = scalar
        }
        return pairs
    }()

    private static func key(_ first: UInt32, _ second: UInt32) -> UInt64 {
        UInt64(first) << 32 | UInt64(second)
    }

    static func compose(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if 0x1100..<0x1113 ~= first, 0x1161..<0x1176 ~= second {
            return 0xAC00 + ((first - 0x1100) * 21 + (second - 0x1161)) * 28
        }
        if CanonicalDecomposition.hangulSyllables.contains(first), (first - 0xAC00) % 28 == 0,
            0x11A8..<0x11C3 ~= second
        {
            return first + second - 0x11A7
        }
        return pairs[key(first, second)]
    }
}
