import Testing

@testable import Datasets

@Suite("Words of texts")
struct TextWordsTests {
    private func words(_ text: String, boundaries: [Int] = []) -> [String] {
        let scalars = Array(text.unicodeScalars)
        return TextWords(text).ranges(boundaries: boundaries).map { range in
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars[range])
            return String(view)
        }
    }

    @Test("white space and punctuation part words, and so do boundaries")
    func examples() {
        #expect(words("don't (U.S.)") == ["don", "'", "t", "(", "U", ".", "S", ".", ")"])
        #expect(words(" a\t\nb\u{A0}c\u{3000}") == ["a", "b", "c"])
        #expect(
            words("café cafe\u{301} 你好。x_y $5") == [
                "café", "cafe\u{301}", "你好", "。", "x", "_", "y", "$", "5",
            ])
        #expect(words("Hundesteuer", boundaries: [0, 5]) == ["Hunde", "steuer"])
        #expect(words("") == [] && words(" ") == [])
    }

    @Test("spans become whole words with tags of IOB2, and every word lies where its offsets say")
    func spans() throws {
        var generator = SeededGenerator(seed: 8)
        let pieces: [Unicode.Scalar] = [
            "a", "b", " ", " ", ".", "-", "é", "\u{301}", "日", "😀", "\u{200D}", "\t", "\u{1F468}",
        ]
        var tagged = 0
        for _ in 0..<5000 {
            var view = String.UnicodeScalarView()
            for _ in 0..<Int.random(in: 1...24, using: &generator) {
                view.append(pieces.randomElement(using: &generator) ?? "a")
            }
            let (text, scalars) = (String(view), Array(view))
            var spans: [TextSpan] = []
            var place = 0
            while place < scalars.count {
                let start = Int.random(in: place...scalars.count, using: &generator)
                let end = min(scalars.count, start + Int.random(in: 1...6, using: &generator))
                if start < end, scalars[start..<end].contains(where: { !$0.properties.isWhitespace }) {
                    spans.append(
                        TextSpan(
                            start: start, end: end, label: ["A", "B"].randomElement(using: &generator) ?? "A")
                    )
                }
                place = end + Int.random(in: 0...2, using: &generator)
            }
            var row = TaggedRow(words: [], line: 1)
            try TextWords(text).fill(&row, spans: spans.shuffled(using: &generator), "f")
            let tags = try #require(row.tags)
            #expect(tags.count == row.words.count && row.offsets.count == row.words.count)
            var covered = Set<Int>()
            for (word, range) in zip(row.words, row.offsets) {
                #expect(Array(word.unicodeScalars) == Array(scalars[range]))
                #expect(!range.contains { scalars[$0].properties.isWhitespace })
                covered.formUnion(range)
            }
            #expect(covered == Set(scalars.indices.filter { !scalars[$0].properties.isWhitespace }))
            // Each span is got back from its tags.
            for span in spans {
                let inside = tags.indices.filter {
                    span.start <= row.offsets[$0].lowerBound && row.offsets[$0].upperBound <= span.end
                }
                let expected = inside.enumerated().map { ($0.offset == 0 ? "B-" : "I-") + span.label }
                #expect(!inside.isEmpty && inside.map { tags[$0] } == expected)
                tagged += inside.count
            }
            #expect(
                tags.count { $0 != "O" }
                    == tags.indices.count { place in
                        spans.contains {
                            $0.start <= row.offsets[place].lowerBound
                                && row.offsets[place].upperBound <= $0.end
                        }
                    })
        }
        #expect(tagged > 5000)
    }
}
