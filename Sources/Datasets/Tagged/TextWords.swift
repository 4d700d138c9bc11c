/// The words of a text, and the tags that spans give them.
///
/// White space separates words and is in none. Every mark of punctuation, and every ASCII character that is neither
/// letter nor digit, is a word by itself; the text between them is a word. So `don't (U.S.)` is `don`, `'`, `t`, `(`,
/// `U`, `.`, `S`, `.`, `)`. A word also begins wherever a span begins or ends, so that a span is made of whole words.
struct TextWords {
    private enum Kind { case space, mark, letter }

    private let scalars: [Unicode.Scalar]

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    private static func kind(of scalar: Unicode.Scalar) -> Kind {
        if scalar.properties.isWhitespace { return .space }
        if scalar.isASCII {
            let isWord =
                switch scalar {
                case "0"..."9", "A"..."Z", "a"..."z": true
                default: false
                }
            // Control characters stay in the words beside them.
            return isWord || scalar.value < 0x20 || scalar.value == 0x7F ? .letter : .mark
        }
        switch scalar.properties.generalCategory {
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
            .initialPunctuation,
            .finalPunctuation, .otherPunctuation:
            return .mark
        default: return .letter
        }
    }

    /// Returns the ranges of the words, in Unicode scalars.
    ///
    /// - Parameter boundaries: The positions at which a word must begin, in ascending order.
    func ranges(boundaries: [Int]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var isOpen = false
        var boundary = 0
        for (place, scalar) in scalars.enumerated() {
            while boundary < boundaries.count, boundaries[boundary] <= place {
                if boundaries[boundary] == place { isOpen = false }
                boundary += 1
            }
            switch Self.kind(of: scalar) {
            case .space: isOpen = false
            case .mark:
                ranges.append(place..<place + 1)
                isOpen = false
            case .letter:
                if isOpen {
                    ranges[ranges.count - 1] = ranges[ranges.count - 1].lowerBound..<place + 1
                } else {
                    ranges.append(place..<place + 1)
                    isOpen = true
                }
            }
        }
        return ranges
    }

    /// Puts the words into a row, and the spans as tags of ``TagScheme/iob2``.
    ///
    /// - Throws: ``DatasetError`` for spans that are empty, out of the text, over each other, or of white space.
    func fill(_ row: inout TaggedRow, spans: [TextSpan]?, _ path: String) throws {
        let sorted = (spans ?? []).sorted { ($0.start, $0.end) < ($1.start, $1.end) }
        try check(sorted, path, row)
        let ranges = ranges(boundaries: sorted.flatMap { [$0.start, $0.end] })
        row.offsets = ranges
        row.words = ranges.map { range in
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars[range])
            return String(text)
        }
        guard spans != nil else { return }
        var tags = [String](repeating: "O", count: ranges.count)
        var word = 0
        for span in sorted {
            while word < ranges.count, ranges[word].lowerBound < span.start { word += 1 }
            let first = word
            while word < ranges.count, ranges[word].upperBound <= span.end {
                tags[word] = (word == first ? "B-" : "I-") + span.label
                word += 1
            }
            guard word > first else {
                throw DatasetError(
                    path, at: row, "\(name(span)) holds nothing but white space; remove it or correct it")
            }
        }
        row.tags = tags
    }

    private func name(_ span: TextSpan) -> String {
        "the span \(span.start) to \(span.end) (\(shown(span.label)))"
    }

    private func check(_ sorted: [TextSpan], _ path: String, _ row: TaggedRow) throws {
        for (index, span) in sorted.enumerated() {
            guard span.start < span.end else {
                throw DatasetError(
                    path, at: row, "\(name(span)) is empty; its end must be greater than its start")
            }
            guard span.start >= 0, span.end <= scalars.count else {
                throw DatasetError(
                    path, at: row,
                    "\(name(span)) is not within the text, which has \(scalars.count) characters; count characters as "
                        + "Python does, from 0")
            }
            guard index == 0 || sorted[index - 1].end <= span.start else {
                throw DatasetError(
                    path, at: row,
                    "\(name(span)) overlaps \(name(sorted[index - 1])); a word has one tag, so keep one of them"
                )
            }
        }
    }
}
