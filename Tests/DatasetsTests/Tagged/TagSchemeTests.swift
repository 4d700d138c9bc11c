import Testing

@testable import Datasets

@Suite("Schemes of tags")
struct TagSchemeTests {
    private func found(_ sentences: [[String]]) throws -> TagSchemeDetector.Finding {
        var detector = TagSchemeDetector()
        for (index, tags) in sentences.enumerated() {
            detector.add(TaggedRow(words: tags, tags: tags, line: index + 1))
        }
        return try detector.scheme(path: "f")
    }

    /// Random entities of a sentence, as tags of a scheme.
    private func sentence(_ scheme: TagScheme, using generator: inout SeededGenerator) -> [String] {
        var tags: [String] = []
        var previous: String?
        while tags.count < 12 {
            guard Bool.random(using: &generator) else {
                tags.append("O")
                previous = nil
                continue
            }
            let type = ["A", "B", "e\u{301}", "é"].randomElement(using: &generator) ?? "A"
            let count = Int.random(in: 1...3, using: &generator)
            for place in 0..<count {
                let (first, last) = (place == 0, place == count - 1)
                let touches = first && previous.map { $0.utf8.elementsEqual(type.utf8) } ?? false
                let prefix =
                    switch scheme {
                    case .iob1: touches ? "B" : "I"
                    case .iob2: first ? "B" : "I"
                    case .ioe2: last ? "E" : "I"
                    case .iobes: first && last ? "S" : first ? "B" : last ? "E" : "I"
                    case .bilou: first && last ? "U" : first ? "B" : last ? "L" : "I"
                    }
                tags.append("\(prefix)-\(type)")
            }
            previous = type
        }
        return tags
    }

    @Test("each scheme is found, and converted into each other and back", arguments: TagScheme.allCases)
    func conversion(scheme: TagScheme) throws {
        for seed in 0..<40 {
            var generator = SeededGenerator(seed: UInt64(seed))
            let sentences = (0..<30).map { _ in sentence(scheme, using: &generator) }
            let finding = try found(sentences)
            #expect(finding == .init(scheme: scheme, irregularCount: 0, firstIrregularity: nil))
            for other in TagScheme.allCases {
                var same = SeededGenerator(seed: UInt64(seed))
                for tags in sentences {
                    let expected = sentence(other, using: &same)
                    let converted = scheme.convert(tags, to: other)
                    #expect(converted.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
                    #expect(
                        other.convert(converted, to: scheme).map { Array($0.utf8) }
                            == tags.map { Array($0.utf8) })
                }
            }
        }
    }

    @Test("schemes have the names that people give them")
    func names() {
        #expect(TagScheme(named: "BIO") == .iob2 && TagScheme(named: "IOB2") == .iob2)
        #expect(TagScheme(named: "BIOES") == .iobes && TagScheme(named: "biluo") == .bilou)
        #expect(TagScheme(named: "IOB") == nil)
    }

    @Test("IOB1 is a file in which an I- begins an entity and every B- follows its type")
    func iob1() throws {
        #expect(try found([["I-A", "I-A", "B-A", "O"]]).scheme == .iob1)
        #expect(try found([["I-A", "I-B"]]).scheme == .iob1)
        // In IOB2 both are as good.
        #expect(try found([["B-A", "I-A", "B-A"]]).scheme == .iob2)
        #expect(
            TagScheme.iob1.convert(["I-A", "I-A", "B-A", "I-B", "O", "I-A"], to: .iob2) == [
                "B-A", "I-A", "B-A", "B-B", "O", "B-A",
            ])
    }

    @Test("what keeps to no scheme is counted, and its first place told")
    func irregular() throws {
        let finding = try found([["B-A", "I-A"], ["O", "I-A", "I-A", "B-B", "I-A"]])
        #expect(
            finding
                == .init(
                    scheme: .iob2, irregularCount: 2, firstIrregularity: .init(tag: "I-A", line: 2, file: 0)))
        #expect(try found([["B-A", "E-A", "S-A", "I-A"]]).irregularCount == 1)
        #expect(try found([["O"]]) == .init(scheme: .iob2, irregularCount: 0, firstIrregularity: nil))
        #expect(throws: DatasetError.self) { try found([["U-A"], ["S-A"]]) }
    }
}
