/// The normal forms of Unicode: NFD, NFC, NFKD and NFKC (Unicode Standard Annex 15).
struct UnicodeNormalizer: Normalizer {
    let composes: Bool
    let isCompatible: Bool

    func normalize(_ text: inout AlignedText) {
        if text.isASCII { return }
        var changes: [AlignedText.Change] = []
        for scalar in text.scalars {
            let parts =
                isCompatible
                ? CompatibilityDecomposition.decompose(scalar) : CanonicalDecomposition.decompose(scalar)
            for (index, part) in parts.enumerated() { changes.append((part, index > 0 ? 1 : 0)) }
        }
        Self.sortMarks(&changes)
        text.transform(composes ? Self.compose(changes) : changes)
    }

    /// Puts marks in canonical order.
    private static func sortMarks(_ changes: inout [AlignedText.Change]) {
        var start = 0
        while start < changes.count {
            guard CanonicalDecomposition.combiningClass(changes[start].scalar) != 0 else {
                start += 1
                continue
            }
            var end = start
            while end < changes.count, CanonicalDecomposition.combiningClass(changes[end].scalar) != 0 {
                end += 1
            }
            let marks = changes[start..<end].enumerated().map {
                (CanonicalDecomposition.combiningClass($1.scalar), $0, $1)
            }
            changes.replaceSubrange(start..<end, with: marks.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2))
            start = end
        }
    }

    /// Joins each mark or letter to the last starter where the two have one character (the standard's D117).
    private static func compose(_ changes: [AlignedText.Change]) -> [AlignedText.Change] {
        var result: [AlignedText.Change] = []
        var starter: Int?
        var lastClass: UInt8 = 0
        for item in changes {
            let itemClass = CanonicalDecomposition.combiningClass(item.scalar)
            if let place = starter, place == result.count - 1 || lastClass < itemClass && lastClass != 0,
                let joined = CanonicalComposition.compose(result[place].scalar, item.scalar)
            {
                result[place] = (joined, result[place].change + item.change - 1)
                continue
            }
            if itemClass == 0 { starter = result.count }
            lastClass = itemClass
            result.append(item)
        }
        return result
    }
}
