import Foundation
import Testing

@testable import Datasets

/// Files with errors put in at random are read or refused in one line, and never end the process.
@Suite("Mutated files with tags")
struct TaggedMutationTests {
    private static let conll = """
        -DOCSTART- -X- O

        # x
        Anna\tB-PER
        é#\tO

        # y
        日本\tB-LOC
        -\tI-LOC

        """
    private static let conllu =
        "# global.columns = ID FORM NER\n# text\n1-2\tim\tO\n1\tin\tO\n2\tdem\tB-A\n\n# x\n1\ta\tO\n"
    private static let lists = """
        {"id": "1", "tokens": ["Anna", "é", "x"], "ner_tags": ["B-PER", "I-PER", "O"]}
        {"id": "2", "tokens": ["日本"], "ner_tags": ["B-LOC"]}

        """
    private static let spans = """
        [{"text": "Anna é Lee 日本", "entities": [[0, 4, "PER"], {"start": 11, "end": 13, "label": "LOC"}]},
        {"text": "b c", "entities": [{"start_offset": 0, "end_offset": 1, "labels": ["A"]}]}]
        """

    private func mutate(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<7, using: &generator) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes[place] = UInt8(ascii: "0") + UInt8.random(in: 0...9, using: &generator)
            case 2: bytes.remove(at: place)
            case 3: bytes.insert(bytes[place], at: place)
            case 4: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &generator))
            case 5: bytes[place] = "\t\n\r #-[]{},\"".utf8.randomElement(using: &generator) ?? 0
            default:
                if Int.random(in: 0..<8, using: &generator) == 0 { bytes.removeLast(bytes.count - place) }
            }
        }
        return bytes
    }

    @Test("are read or refused", arguments: [("conll", 0), ("conll", 1), ("jsonl", 2), ("json", 3)])
    func mutated(ending: String, number: Int) throws {
        let original = Array([Self.conll, Self.conllu, Self.lists, Self.spans][number].utf8)
        var generator = SeededGenerator(seed: UInt64(number))
        var (read, refused) = (0, 0)
        for round in 0..<700 {
            let bytes = round == 0 ? original : mutate(original, using: &generator)
            var options = TaggedOptions()
            options.allowsUntagged = round % 5 == 1
            if number == 0, round % 4 > 0 { options.hasComments = true }
            if ending == "conll", round % 7 == 1 { options.tagColumn = round % 2 == 0 ? "-1" : "NER" }
            try Support.withFile("data.\(ending)", bytes) { url in
                do {
                    let stream = try TaggedStream(url, options: options, chunkSize: 1 + round % 9)
                    var detector = TagSchemeDetector()
                    while let row = try stream.next() {
                        #expect(!row.words.isEmpty && row.tags.map { $0.count == row.words.count } ?? true)
                        #expect(row.line > 0)
                        detector.add(row)
                        if let tags = row.tags {
                            #expect(TagScheme.iob1.convert(tags, to: .bilou).count == tags.count)
                        }
                    }
                    _ = try detector.scheme(path: "f")
                    read += 1
                } catch {
                    #expect(!"\(error)".contains("\n"))
                    refused += 1
                }
            }
        }
        #expect(read > 50 && refused > 150, "\(ending) \(read) \(refused)")
    }
}
