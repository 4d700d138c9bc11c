import Foundation
import Testing

@testable import Datasets

@Suite("Data sets with tags")
struct TaggedDatasetTests {
    private func load(
        _ text: String, as name: String = "data.conll", options: TaggedOptions = TaggedOptions()
    ) throws -> TaggedDataset {
        try Support.withFile(name, Array(text.utf8)) { try TaggedDataset.load($0, options: options) }
    }

    @Test("IOB1 becomes IOB2, and is told")
    func iob1() throws {
        let dataset = try load("a I-X\nb I-X\nc B-X\nd O\n\ne I-Y\n")
        #expect(
            dataset.wasConverted && dataset.finding?.scheme == .iob1 && dataset.finding?.irregularCount == 0)
        #expect(dataset.rows.map(\.tags) == [["B-X", "I-X", "B-X", "O"], ["B-Y"]])
        #expect(dataset.tags == ["O", "B-X", "I-X", "B-Y"] && dataset.sha256.utf8.count == 64)
    }

    @Test("other schemes stay as they are")
    func others() throws {
        let dataset = try load("a S-B\nb O\n\nc B-A\nd E-A\ne I-A\n")
        #expect(!dataset.wasConverted && dataset.finding?.scheme == .iobes)
        #expect(dataset.finding?.irregularCount == 1 && dataset.finding?.firstIrregularity?.tag == "I-A")
        #expect(dataset.rows[1].tags == ["B-A", "E-A", "I-A"])
        #expect(dataset.tags == ["O", "B-A", "I-A", "E-A", "S-B"])
        #expect(try load("a O\n").finding == nil)
    }

    @Test("names come first, in their order; tags may be of no entity")
    func names() throws {
        var options = TaggedOptions()
        options.tagNames = ["I-A", "O"]
        #expect(
            try load(#"{"tokens": ["a", "b"], "tags": [0, "B-A"]}"#, as: "a.jsonl", options: options).tags
                == ["I-A", "O", "B-A"])
        options = TaggedOptions()
        options.allowsAnyTag = true
        let dataset = try load("a NN\nb DT\n", options: options)
        #expect(dataset.tags == ["DT", "NN"] && dataset.finding == nil)
    }
}
