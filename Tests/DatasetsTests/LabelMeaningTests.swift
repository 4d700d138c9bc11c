import Foundation
import Testing

@testable import Datasets

@Suite("What labels mean")
struct LabelMeaningTests {
    @Test(
        "a number is a place only where no name is a number; among numbers it is the class of its value",
        arguments: [
            (["1", "2", "3"], "1", 0), (["1", "2", "3"], "0", nil), (["1", "2", "3"], "2.0", 1),
            (["1.0", "2.0"], "1", 0), (["1.0", "2.0"], "0", nil), (["-1", "1"], "0", nil),
            (["-1", "1"], "-1.0", 0),
            (["0", "2", "4"], "1", nil), (["0", "2", "4"], "4", 2), (["LABEL_0", "LABEL_1"], "1", 1),
            (["negative", "positive"], "0", 0), (["negative", "positive"], "2", nil),
            (["bad", "1"], "0", nil),
            (["1e3", "x"], "0", nil), (["0", "1", "nan"], "2", nil),
            // Exact, however long.
            (["9007199254740993", "9007199254740992"], "9007199254740992.0", 1),
            (["0.1", "0.10000000000000001"], "0.1000", 0),
            // Two names of one value are told apart by their letters alone.
            (["1", "1.0"], "1.0", 1), (["1", "1.0"], "1.00", nil), (["-0", "1"], "0", 0),
        ] as [([String], String, Int?)])
    func numbers(_ names: [String], _ label: String, _ id: Int?) throws {
        #expect(try LabelMap(names: names).id(ofLabel: label) == id)
        if id == nil {
            #expect(
                Support.refusal("text,label\na,\(label)\n", labels: try LabelMap(names: names))
                    == "data.csv, line 2: unknown label '\(label)'; the labels are "
                    + "\(names.joined(separator: ", ")), in this order")
        }
    }

    @Test(
        "names of missing values are known beside names, some only beside numbers",
        arguments: [
            (["0", "1", "nan"], ["nan"]), (["NaN", "bad", "good"], ["NaN"]), (["0", "None"], ["None"]),
            (["agree", "none"], []), (["0", "1"], []), (["<NA>", "N/A", "x"], ["<NA>", "N/A"]),
        ])
    func missing(_ names: [String], _ found: [String]) throws {
        #expect(try LabelMap(names: names).missingValueNames == found)
    }

    // MARK: - Sets

    private func sets(
        _ text: String, as name: String = "d.jsonl", labels: LabelMap? = nil
    ) throws -> (sets: [[Int]?], names: [String]?) {
        let data = try Support.load(text, as: name, options: .init(labelForm: .set), labels: labels)
        return (data.examples.map(\.labelSet), data.labels?.names)
    }

    private func lines(_ labels: [String]) -> String {
        labels.map { "{\"text\": \"a\", \"labels\": \($0)}\n" }.joined()
    }

    @Test(
        "rows of 0 and 1, all of one length, are one for each class",
        arguments: [
            ["[1, 0, 0]", "[0, 0, 0]", "[1, 1, 0]", "[0, 0, 1]"],
            ["[1.0, 0.0, 0.0]", "[0.0, 0.0, 0.0]", "[1.0, 1.0, 0.0]", "[0.0, 0.0, 1.0]"],
            ["[true, false, false]", "[false, false, false]", "[true, true, false]", "[false, false, true]"],
        ])
    func indicators(_ rows: [String]) throws {
        let expected: [[Int]?] = [[0], [], [0, 1], [2]]
        let own = try sets(lines(rows))
        #expect(own.sets == expected && own.names == ["LABEL_0", "LABEL_1", "LABEL_2"])
        let map = try LabelMap(names: ["a", "b", "c"])
        #expect(try sets(lines(rows), labels: map).sets == expected)
        let cells = rows.map { "a,\"\($0.dropFirst().dropLast())\"\n" }.joined()
        guard rows[0].contains("1, 0") else { return }
        #expect(try sets("text,label\n" + cells, as: "d.csv").sets == expected)
    }

    @Test("two classes, one for each example; rows without a label do not count")
    func exclusive() throws {
        #expect(try sets(lines(["[1, 0]", "[0, 1]"])).sets == [[0], [1]])
        let data = try Support.load(
            lines(["[1, 0]", "null", "[0, 0]"]), as: "d.jsonl",
            options: .init(labelForm: .set, allowsUnlabeled: true))
        #expect(data.examples.map(\.labelSet) == [[0], nil, []])
    }

    @Test("class numbers stay class numbers")
    func classNumbers() throws {
        #expect(try sets(lines(["[0, 1]", "[2]", "[]"])).sets == [[0, 1], [2], []])
        #expect(try sets(lines(["[0]", "[1]"])).sets == [[0], [1]])
        let map = try LabelMap(names: (0..<28).map { "c\($0)" })
        #expect(try sets(lines(["[0, 1]", "[1, 0]"]), labels: map).sets == [[0, 1], [0, 1]])
        // Where 0 and 1 are names, they are these.
        #expect(try sets(lines(["[0, 1]"]), labels: LabelMap(names: ["1", "0"])).sets == [[0, 1]])
    }

    @Test("what may mean both, or is neither, is refused by its line")
    func refused() throws {
        func refusal(_ rows: [String], _ names: [String]? = nil) throws -> String {
            Support.refusal(
                lines(rows), as: "d.jsonl", options: .init(labelForm: .set),
                labels: try names.map { try LabelMap(names: $0) })
        }
        #expect(
            try refusal(["[1, 2]", "[0, 0, 1]"]).hasPrefix("d.jsonl, line 2: the class number 0 occurs twice")
        )
        #expect(
            try refusal(["[1, 0, 1]", "[0, 1, 0]"], ["a", "b"]).hasPrefix(
                "d.jsonl, line 1: the labels are only 0 and 1, always 3 of them: they look like indicators"))
        #expect(try refusal(["[0, 1]", "[0, 1]"]).contains("this may be the classes 0 and 1"))
        #expect(try refusal(["[true, false]"], ["a", "b", "c"]).contains("2 truth values each"))
        #expect(try refusal(["[true]", "[true, false]"]).contains("line 1: the label is truth values"))
    }

    @Test(
        "a list as Python prints it is refused, whose brackets would become parts of names",
        arguments: [
            "['toxic']", "\"['toxic', 'threat']\"", "[]", "\"[1, 0]\"", "[1 0 0]", "\"('a', 'b')\"", "{'a'}",
        ])
    func printedLists(_ cell: String) {
        let refusal = Support.refusal("text,label\na,\(cell)\n", options: .init(labelForm: .set))
        #expect(refusal.hasPrefix("data.csv, line 2: the label '") && refusal.contains("as Python prints it"))
        let single = Support.refusal("text,label\na,\(cell)\nb,x\n")
        #expect(single.contains("--problem-type multi_label_classification"), "\(single)")
    }

    @Test("brackets alone make no list")
    func brackets() throws {
        #expect(try Support.load("text,label\na,[NSFW]\nb,(none)\n").labels?.names == ["(none)", "[NSFW]"])
    }
}
