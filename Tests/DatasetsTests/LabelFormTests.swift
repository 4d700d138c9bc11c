import Foundation
import Testing

@testable import Datasets

@Suite("Labels that are sets or numbers, and rows without a label")
struct LabelFormTests {
    private func options(
        _ form: DatasetOptions.LabelForm, separator: String = ",", unlabeled: Bool = false,
        column: String? = nil
    ) -> DatasetOptions {
        DatasetOptions(
            labelColumn: column, labelForm: form, labelSeparator: separator, allowsUnlabeled: unlabeled)
    }

    @Test("sets are split at the separator, trimmed, without repetition; an empty cell is an empty set")
    func separators() throws {
        let text = "text,label\na,\" red , blue,red\"\nb,\nc,green\n"
        let data = try Support.load(text, options: options(.set))
        #expect(data.labels?.names == ["blue", "green", "red"] && data.labelForm == .set)
        #expect(data.examples.map(\.labelSet) == [[0, 2], [], [1]])
        #expect(data.examples.allSatisfy { $0.isLabeled && $0.label == nil && $0.value == nil })
        let bars = try Support.load(
            "text\tlabel\na\tx || y|z\nb\ty|z\n", as: "d.tsv", options: options(.set, separator: "||"))
        #expect(bars.labels?.names == ["x", "y|z"] && bars.examples.map(\.labelSet) == [[0, 1], [1]])
        #expect(
            try Support.load("text,label\na,é—ü\n", options: options(.set, separator: "—")).labels?.names
                == ["é", "ü"])
    }

    @Test("JSON sets are arrays of names or class numbers, whose names may hold the separator")
    func arrays() throws {
        let lines = """
            {"text": "a", "labels": ["x,y", "z"]}
            {"text": "b", "labels": []}
            {"text": "c", "labels": "z"}
            """
        let data = try Support.load(lines, as: "d.jsonl", options: options(.set))
        #expect(data.labels?.names == ["x,y", "z"])
        #expect(data.examples.map(\.labelSet) == [[0, 1], [], [1]])
        let numbers = try Support.load(
            #"{"text": "a", "label": [2, 0]}"# + "\n" + #"{"text": "b", "label": 1}"#, as: "d.jsonl",
            options: options(.set))
        #expect(numbers.labels?.names == ["LABEL_0", "LABEL_1", "LABEL_2"])
        #expect(numbers.examples.map(\.labelSet) == [[0, 2], [1]])
        // A name and its number are one class.
        let map = try LabelMap(names: ["neg", "pos"])
        let mixed = try Support.load(
            #"{"text": "a", "label": ["pos", 1, "neg"]}"#, as: "d.jsonl", options: options(.set), labels: map)
        #expect(mixed.examples.map(\.labelSet) == [[0, 1]])
    }

    @Test("numbers are read as float32, whatever the format")
    func numbers() throws {
        let csv = try Support.load("text,label\na, 2.5 \nb,-1e3\nc,+7\nd,.5\n", options: options(.number))
        #expect(csv.examples.map(\.value) == [2.5, -1000, 7, 0.5] && csv.labels == nil)
        let json = try Support.load(
            #"{"text": "a", "label": 0.1}"# + "\n" + #"{"text": "b", "label": 3}"# + "\n"
                + #"{"text": "c", "label": "4.5"}"# + "\n" + #"{"text": "d", "label": 1e-30}"#,
            as: "d.jsonl", options: options(.number))
        #expect(json.examples.map(\.value) == [0.1, 3, 4.5, 1e-30])
    }

    @Test("whole numbers that float32 would round are refused; it holds those up to 2^24")
    func wholeNumbers() throws {
        let exact = try Support.load(
            "text,label\na,16777216\nb,-16777216\nc,33554432\nd,0.1\n", options: options(.number))
        #expect(exact.examples.map(\.value) == [16_777_216, -16_777_216, 33_554_432, 0.1])
        for label in ["16777217", "-16777217", "4294967297", "9007199254740993"] {
            let refusal = Support.refusal("text,label\na,\(label)\n", options: options(.number))
            #expect(refusal.hasPrefix("data.csv, line 2: the label '\(label)' has more digits"), "\(refusal)")
        }
    }

    @Test(
        "what is no number is refused with file, line and value",
        arguments: ["nan", "inf", "-Infinity", "0x10", "1,5", "one", "1e99", "1e999", "3..", "--2", "٣"])
    func refusedNumbers(_ written: String) {
        let refusal = Support.refusal("text,label\na,1\nb,\"\(written)\"\n", options: options(.number))
        #expect(refusal.hasPrefix("data.csv, line 3: the label '\(written)' is "), "\(refusal)")
    }

    @Test("labels of the wrong form, empty names and unknown names are refused by line")
    func refusedForms() throws {
        func json(_ label: String, _ form: DatasetOptions.LabelForm) -> String {
            Support.refusal(
                #"{"text": "a", "label": "# + label + "}", as: "d.jsonl", options: options(form))
        }
        #expect(json(#"["x"]"#, .name).hasPrefix("d.jsonl, line 1: the label must be a string or an integer"))
        #expect(json(#"["x"]"#, .name).contains("--problem-type multi_label_classification"))
        #expect(json("[1]", .number).contains("must be a number, got an array"))
        #expect(json("true", .number).contains("must be a number, got a boolean"))
        #expect(json("1e999", .number).contains("line 1"))
        #expect(json("[1.5]", .set).contains("strings or integers, got a number among them"))
        #expect(json("[null]", .set).contains("got null among them"))
        #expect(json("1.5", .set).contains("an array of strings or integers, or a string, got a number"))
        #expect(json("null", .set).contains("got null") && json("null", .name).contains("got null"))
        #expect(json(#"["x", " "]"#, .set).contains("line 1: a name among the labels"))
        #expect(
            Support.refusal("text,label\na,\"x,,y\"\n", options: options(.set)).hasPrefix(
                "data.csv, line 2: a name among the labels 'x,,y' is empty"))
        let map = try LabelMap(names: ["x", "y"])
        #expect(
            Support.refusal("text,label\na,\"x,z\"\n", options: options(.set), labels: map)
                == "data.csv, line 2: unknown label 'z'; the labels are x, y, in this order")
        #expect(
            Support.refusal("text,label\na,x\n", options: options(.set, separator: "")).contains(
                "label_separator is empty"))
    }

    @Test("rows may lack a label only where that is allowed")
    func unlabeled() throws {
        let csv = "text,label\na,x\nb,\nc,y\n"
        #expect(Support.refusal(csv).hasPrefix("data.csv, line 3: the label is empty"))
        let read = try Support.load(csv, options: options(.name, unlabeled: true))
        #expect(read.examples.map(\.label) == [0, nil, 1] && read.labels?.names == ["x", "y"])
        let values = try Support.load("text,label\na,1\nb, \n", options: options(.number, unlabeled: true))
        #expect(values.examples.map(\.value) == [1, nil])
        // An empty set is a label.
        let sets = try Support.load("text,label\na,x\nb,\n", options: options(.set, unlabeled: true))
        #expect(sets.examples.map(\.labelSet) == [[0], []])
        let none = try Support.load("text\na\nb\n", options: options(.name, unlabeled: true))
        #expect(none.labels == nil && none.examples.allSatisfy { !$0.isLabeled })
    }

    @Test("in JSON a label may be null or absent, also in the first line")
    func unlabeledLines() throws {
        let lines = """
            {"text": "a"}
            {"text": "b", "label": null}
            {"text": "c", "label": "x"}
            {"text": "d"}
            """
        for column in [nil, "label"] {
            let read = try Support.load(
                lines, as: "d.jsonl", options: options(.name, unlabeled: true, column: column))
            #expect(read.examples.map(\.label) == [nil, nil, 0, nil])
            let sets = try Support.load(
                lines, as: "d.jsonl", options: options(.set, unlabeled: true, column: column))
            #expect(sets.examples.map(\.labelSet) == [nil, nil, [0], nil])
        }
        let refusal = Support.refusal(
            lines, as: "d.jsonl", options: options(.name, unlabeled: true, column: "stars"))
        #expect(refusal.hasPrefix("d.jsonl: no line has the key 'stars'"), "\(refusal)")
        #expect(
            Support.refusal("text\na\n", options: options(.name, unlabeled: true, column: "stars")).contains(
                "no column 'stars'"))
    }

    @Test("the first label tells whether labels are arrays")
    func inference() throws {
        func isSets(_ text: String, _ name: String) throws -> Bool {
            try Support.withFile(name, Array(text.utf8)) {
                try TextStream.hasLabelSets($0, options: DatasetOptions())
            }
        }
        #expect(try isSets(#"{"text": "a", "label": ["x"]}"#, "d.jsonl"))
        #expect(try isSets(#"{"text": "a"}"# + "\n" + #"{"text": "a", "label": []}"#, "d.jsonl"))
        #expect(try !isSets(#"{"text": "a", "label": "x"}"#, "d.jsonl"))
        #expect(try !isSets(#"{"text": "a"}"#, "d.jsonl"))
        #expect(try !isSets("text,label\na,\"x,y\"\n", "d.csv"))
    }

    @Test("only labeled examples are held back, a share of each class or of all")
    func split() throws {
        var examples = (0..<100).map { TextExample("t\($0)", label: $0 % 2) }
        for place in stride(from: 0, to: 100, by: 5) { examples[place].label = nil }
        let data = TextDataset(examples: examples, labels: nil, source: "d", sha256: "")
        let parts = try data.split(validationFraction: 0.25, seed: 3)
        #expect(parts.validation.examples.map(\.label).count { $0 == 0 } == 10)
        #expect(parts.validation.examples.map(\.label).count { $0 == 1 } == 10)
        #expect(parts.train.examples.count { $0.label == nil } == 20 && parts.train.examples.count == 80)
        let few = TextDataset(
            examples: [TextExample("a"), TextExample("b", value: 1)], labels: nil, source: "d", sha256: "")
        let error = #expect(throws: DatasetError.self) { try few.split(validationFraction: 0.5, seed: 1) }
        #expect(error?.description.contains("too few examples with a label (1)") == true)
    }

    @Test(
        "files with errors put in at random are read or refused, whatever the labels are",
        arguments: DatasetOptions.LabelForm.allCases, [true, false])
    func mutations(_ form: DatasetOptions.LabelForm, unlabeled: Bool) throws {
        let label =
            [DatasetOptions.LabelForm.name: "\"x\"", .set: "[\"x\", 1]", .number: "-2.5e1"][form] ?? ""
        let csvLabel = [DatasetOptions.LabelForm.name: "x", .set: "\"x, y\"", .number: "-2.5e1"][form] ?? ""
        let files = [
            ("d.jsonl", (0..<5).map { "{\"text\": \"t\($0)\", \"label\": \(label)}\n" }.joined()),
            ("d.csv", "text,label\n" + (0..<5).map { "t\($0),\(csvLabel)\n" }.joined()),
        ]
        var generator = SeededGenerator(seed: 5)
        var outcomes = (read: 0, refused: 0)
        for (name, text) in files {
            for _ in 0..<150 {
                var bytes = Array(text.utf8)
                for _ in 0..<Int.random(in: 1...3, using: &generator) {
                    let place = Int.random(in: 0..<bytes.count, using: &generator)
                    switch Int.random(in: 0..<3, using: &generator) {
                    case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                    case 1: bytes.remove(at: place)
                    default: bytes.insert(bytes.randomElement(using: &generator) ?? 0, at: place)
                    }
                }
                do {
                    let data = try Support.withFile(name, bytes) {
                        try TextDataset.load($0, options: options(form, unlabeled: unlabeled))
                    }
                    #expect(data.examples.allSatisfy { $0.value?.isFinite ?? true })
                    #expect(data.examples.compactMap(\.labelSet).allSatisfy { $0 == Set($0).sorted() })
                    outcomes.read += 1
                } catch {
                    #expect(error is DatasetError, "\(error)")
                    outcomes.refused += 1
                }
            }
        }
        #expect(outcomes.read > 0 && outcomes.refused > 0)
    }
}
