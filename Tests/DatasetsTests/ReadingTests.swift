import Foundation
import Testing

@testable import Datasets

@Suite("Reading data files")
struct ReadingTests {
    @Test(
        "files that Python's csv, json and gzip wrote are read as they were meant",
        arguments: [
            "minimal.csv", "quoted.csv", "tabs.tsv", "lines.jsonl", "plain.jsonl", "minimal.csv.gz",
            "members.csv.gz",
        ])
    func golden(name: String) throws {
        let expected = try Support.expected()
        let dataset = try TextDataset.load(
            Support.fixtures.appending(path: name), options: Support.options(name))
        try #require(dataset.examples.count == expected.count && expected.count == 300)
        #expect(dataset.labels?.names == ["negative", "neutral", "positive"])
        for (example, row) in zip(dataset.examples, expected) {
            #expect(Array(example.text.utf8) == Array(row.text.utf8))
            #expect(example.label.map { dataset.labels?.names[$0] } == row.label)
        }
    }

    @Test("gzip is told by the bytes, the format by the name or by choice; a byte order mark is skipped")
    func formats() throws {
        #expect(try Support.load("\u{FEFF}text,label\na,x\nb,y\n").examples.map(\.text) == ["a", "b"])
        #expect(
            try Support.load("text\tlabel\na\tx\nb\ty", as: "data.txt", options: .init(format: .tsv)).examples
                .count == 2)
        #expect(Support.refusal("text,label\na,x", as: "data.txt").contains("does not show its format"))
    }

    @Test("columns are chosen by name, or found by their usual names; a pair has two")
    func columns() throws {
        let text = "id,premise,hypothesis,label\n1,a,b,x\n2,c,d,y\n"
        let pairs = try Support.load(text)
        #expect(
            pairs.examples == [TextExample("a", pair: "b", label: 0), TextExample("c", pair: "d", label: 1)])
        #expect(
            try Support.load("document,query\nb,a\n").examples[0] == TextExample("a", pair: "b", label: nil))
        let chosen = try Support.load(
            text, options: DatasetOptions(textColumn: "hypothesis", pairColumn: "id", labelColumn: "premise"))
        #expect(
            chosen.examples[0] == TextExample("b", pair: "1", label: 0) && chosen.labels?.names == ["a", "c"])
        #expect(try Support.load("text\na\nb\n").labels == nil)
    }

    @Test("labels: names in byte order, integers from 0 as class numbers, anything else as names")
    func labels() throws {
        #expect(try Support.load("text,label\na,pos\nb,neg\n").labels?.names == ["neg", "pos"])
        let numbers = try Support.load("text,label\na,2\nb,0\nc,1\n")
        #expect(
            numbers.labels?.names == ["LABEL_0", "LABEL_1", "LABEL_2"]
                && numbers.examples.map(\.label) == [2, 0, 1])
        #expect(try Support.load("text,label\na,1\nb,2\n").labels?.names == ["1", "2"])
        #expect(try Support.load("text,label\na,01\nb,0\n").labels?.names == ["0", "01"])
        let json = try Support.load(
            #"{"text": "a", "label": 1}"# + "\n" + #"{"text": "b", "label": 0}"#, as: "d.jsonl")
        #expect(json.examples.map(\.label) == [1, 0])
        let map = try LabelMap(names: ["negative", "positive"])
        let mapped = try Support.load("text,label\na,positive\nb,0\n", labels: map)
        #expect(mapped.examples.map(\.label) == [1, 0] && mapped.labels == map)
    }

    @Test("label maps that differ say how")
    func labelDifferences() throws {
        let map = try LabelMap(names: ["a", "b"])
        #expect(map.difference(from: try LabelMap(names: ["a", "b"])) == nil)
        #expect(
            map.difference(from: try LabelMap(names: ["b", "a"]))?.contains(
                "another order: a, b against b, a") == true)
        #expect(map.difference(from: try LabelMap(names: ["a", "c"])) == "a, b against a, c")
        // Composed and decomposed é are different names.
        #expect(try LabelMap(names: ["\u{E9}"]).difference(from: LabelMap(names: ["e\u{301}"])) != nil)
        #expect(throws: DatasetError.self) { try LabelMap(names: ["a", "a"]) }
    }

    @Test("the digest is the file's SHA-256")
    func digest() throws {
        let dataset = try Support.load("text,label\na,x\nb,y\n")
        // printf 'text,label\na,x\nb,y\n' | sha256sum
        #expect(dataset.sha256 == "aa5c4c36e41149f509999197529caea001f8344c8fbe1478e39c9da8b19549a9")
    }
}
