import Datasets
import Files
import Foundation
import JSON
import Testing
import Transformers

@testable import Distillation

@Suite("A model of natural language inference labels texts")
struct ZeroShotTests {
    private let scratch: ScoreScratch

    init() throws { scratch = try ScoreScratch() }

    /// The fixture's model with the tokenizer that it was made with.
    private func model(_ change: (String) -> String = { $0 }) throws -> URL {
        let directory = scratch.folder.appending(path: "nli")
        let source = ScoreScratch.fixtures.appending(path: "nli")
        try? FileManager.default.removeItem(at: directory)
        try FileManager.default.copyItem(at: source, to: directory)
        for name in ["tokenizer.json", "tokenizer_config.json", "vocab.txt"] {
            try FileManager.default.copyItem(
                at: Support.teacher.appending(path: name), to: directory.appending(path: name))
        }
        let file = directory.appending(path: "config.json")
        try Data(change(try String(contentsOf: file, encoding: .utf8)).utf8).write(to: file)
        return directory
    }

    private func request(_ model: URL, multiLabel: Bool = false) throws -> LabelRequest {
        var request = LabelRequest(teacher: model, data: ScoreScratch.fixtures.appending(path: "texts.csv"))
        request.zeroShot = try ZeroShotOptions(
            labelsIn: ScoreScratch.fixtures.appending(path: "names.txt"), template: "a script that is {}!",
            isMultiLabel: multiLabel)
        request.output = scratch.folder.appending(path: "zero-\(multiLabel).jsonl")
        request.precision = .float32
        request.cache = scratch.cache
        return request
    }

    @Test("a byte order mark before the first label is none of it")
    func markedLabels() throws {
        defer { scratch.remove() }
        let file = try scratch.write("\u{FEFF}sports\r\n\nfilm\n", "marked.txt")
        let options = try ZeroShotOptions(labelsIn: file)
        #expect(options.labels.map { Array($0.utf8) } == [Array("sports".utf8), Array("film".utf8)])
    }

    @Test("the probabilities are those of transformers' pipeline", arguments: [false, true])
    func golden(multiLabel: Bool) throws {
        defer { scratch.remove() }
        let request = try request(try model(), multiLabel: multiLabel)
        let report = try LabelRun(request).run()
        #expect(report.examples == 6 && report.computed == 24 && report.output == request.output?.path)
        let lines = try String(
            contentsOf: ScoreScratch.fixtures.appending(path: "zero_shot.jsonl"), encoding: .utf8
        ).split(separator: "\n").map { try JSONValue.parse(String($0)) }
        let outputs: OutputKind = multiLabel ? .sigmoid : .softmax
        let stream = try ScoreStream(request.output!)
        for expected in lines[(multiLabel ? 6 : 0)...].prefix(6) {
            let row = try #require(try stream.next())
            guard case .named(let entries) = row.values else { throw DistillationError("no names") }
            #expect(row.text == expected.objectValue?["sequence"]?.stringValue)
            let own = Dictionary(
                uniqueKeysWithValues: zip(entries.map(\.name), outputs.probabilities(entries.map(\.value))))
            let names = try #require(expected.objectValue?["labels"]?.arrayValue).compactMap(\.stringValue)
            let scores = try #require(expected.objectValue?["scores"]?.arrayValue).compactMap(\.doubleValue)
            #expect(names.count == 4 && scores.count == 4)
            for (name, score) in zip(names, scores) {
                #expect(abs(try #require(own[name]) - score) < 2e-6, "\(name) of \(row.text ?? "")")
            }
        }
        #expect(try stream.next() == nil && stream.meaning == .logits)
    }

    @Test("texts that are cut beside the longest hypothesis are counted")
    func cut() throws {
        defer { scratch.remove() }
        var request = try request(try model())
        var warnings: [String] = []
        func run() throws {
            warnings = []
            _ = try LabelRun(request).run(onEvent: {
                if case .warning(let text) = $0 { warnings.append(text) }
            })
        }
        try run()
        #expect(warnings.contains { $0.contains("1 of 6 texts is longer than 64 tokens") }, "\(warnings)")
        (request.maxLength, request.overwrite) = (14, true)
        try run()
        #expect(
            warnings.contains { $0.contains("of 6 texts are longer than 14 tokens") },
            "\(warnings)")
    }

    @Test("a hypothesis that leaves no room for a text is told by the options")
    func noRoom() throws {
        defer { scratch.remove() }
        var request = try request(try model())
        func message() -> String {
            let error = #expect(throws: DistillationError.self) { _ = try LabelRun(request).run() }
            return error?.description ?? ""
        }
        request.maxLength = 8
        let short = message()
        #expect(
            short.hasPrefix("--labels: 'a script that is ") && short.contains("the 8 tokens that are read")
                && short.contains("--max-length") && short.contains("--template"), "\(short)")
        // No length is enough where the model has too few positions.
        let long = String(repeating: "film ", count: 80)
        request.zeroShot = try ZeroShotOptions(labels: ["dull", long], template: "it is {}.")
        request.maxLength = nil
        let endless = message()
        #expect(
            endless.contains("shorten the label or the --template") && !endless.contains("--max-length")
                && endless.contains("nli reads"), "\(endless)")
    }

    @Test("what was computed is found again, and parts of the texts are parts of the file")
    func cacheAndShards() throws {
        defer { scratch.remove() }
        var request = try request(try model())
        _ = try LabelRun(request).run()
        let whole = try String(contentsOf: request.output!, encoding: .utf8).split(separator: "\n")
        request.overwrite = true
        #expect(try LabelRun(request).run().computed == 0)
        for number in [1, 2] {
            request.shard = try Shard("\(number)/2")
            #expect(try LabelRun(request).run().examples == 3)
            let part = try String(contentsOf: request.output!, encoding: .utf8).split(separator: "\n")
            #expect(part == whole.indices.filter { $0 % 2 == number - 1 }.map { whole[$0] })
        }
        // A stop leaves no file, and keeps what was computed.
        try FileManager.default.removeItem(at: request.output!)
        let report = try LabelRun(request).run(shouldStop: { true })
        #expect(!FileManager.default.fileExists(atPath: request.output!.path) || !report.interrupted)
    }

    @Test("zero-shot scores teach a student: the pipeline's own lines and label's file alike")
    func teaches() throws {
        defer { scratch.remove() }
        let names = "tedious\ngripping\n"
        var label = LabelRequest(teacher: try model(), data: Support.reviews)
        label.zeroShot = try ZeroShotOptions(labelsIn: try scratch.write(names, "names.txt"))
        label.output = scratch.folder.appending(path: "zero.jsonl")
        label.cache = scratch.cache
        _ = try LabelRun(label).run()
        let texts = try scratch.write(
            "text\n" + ScoreScratch.reviews().map { "\"\($0.text)\"" }.joined(separator: "\n"), "texts.csv")
        let labelled = try scratch.write("text,label\nlovely film,gripping\ndull film,tedious\n", "v.csv")
        var request = try scratch.request([label.output!])
        request.data.train = texts
        request.data.validation = labelled
        let report = try DistillationRun(request).run()
        #expect(
            report.labels == ["tedious", "gripping"] && report.teacher == nil && report.comparison == nil)
        // Lines of a pipeline name no order of the classes.
        let lines = try scratch.lines("pipeline.jsonl") { _, text, label in
            let others = label == "positive" ? "[\"good\", \"bad\"]" : "[\"bad\", \"good\"]"
            return
                "{\"sequence\": \(JSONValue.string(text).serialized()), \"labels\": \(others), \"scores\": [0.75, 0.25]}"
        }
        request = try scratch.request([lines], "pipeline")
        request.data.train = texts
        request.data.validation = try scratch.write("text,label\nlovely film,good\ndull film,bad\n", "w.csv")
        #expect(try DistillationRun(request).run().labels == ["bad", "good"])
    }

    @Test("the answers of transformers' classification pipeline are read as the model's own probabilities")
    func pipelines() throws {
        defer { scratch.remove() }
        let texts = try ScoreScratch.reviews()
        let expected = try Predictor(model: Support.teacher).predict(texts.map { .init($0.text) })
        for name in ["all.json", "top.json"] {
            let file = ScoreScratch.fixtures.appending(path: name)
            let survey = try ScoreSurvey(ScoresRequest([file]), files: [file], columns: DataColumns())
            #expect(survey.form == (name == "all.json" ? .list : .label))
            let teacher = try ScoreTeacher(
                survey, files: [file], data: [Support.reviews], counts: [texts.count], required: 1,
                labels: try LabelMap(names: ["negative", "positive"]), type: .singleLabel,
                columns: DataColumns())
            for (index, prediction) in expected.enumerated() {
                let own = Logits.softmax(of: teacher.table.values[2 * index..<2 * index + 2].map(Double.init))
                for score in prediction.scores ?? [] {
                    #expect(abs(own[score.label == "negative" ? 0 : 1] - score.value) < 2e-6)
                }
            }
        }
    }

    @Test("classes are found by name in any case, and a model without entailment is refused")
    func classes() throws {
        func classes(_ names: String...) throws -> EntailmentClasses { try EntailmentClasses(names, of: "m") }
        let usual = try classes("contradiction", "neutral", "entailment")
        #expect(usual.entailment == 2 && usual.contradiction == 0)
        let other = try classes("ENTAILMENT", "NEUTRAL", "CONTRADICTION")
        #expect(other.entailment == 0 && other.contradiction == 2)
        let two = try classes("entailment", "not_entailment")
        #expect(two.entailment == 0 && two.contradiction == 1)
        #expect(throws: DistillationError.self) { try classes("negative", "positive") }
        #expect(throws: DistillationError.self) { try classes("entailment") }
        defer { scratch.remove() }
        let model = try model { $0.replacing("ENTAILMENT", with: "YES") }
        let error = #expect(throws: DistillationError.self) { _ = try LabelRun(try request(model)).run() }
        #expect(
            error?.description.contains("none of its labels (CONTRADICTION, NEUTRAL, YES) is entailment")
                == true)
    }

    @Test("templates, labels and outputs that make no sense are refused")
    func refusals() throws {
        defer { scratch.remove() }
        for (template, labels) in [
            ("no place", ["a", "b"]), ("{} and {}", ["a", "b"]), ("{0}", ["a", "b"]), ("{", ["a", "b"]),
            ("{}", ["a"]), ("{}", []), ("{}", ["a", "a"]),
        ] {
            #expect(throws: DistillationError.self, "\(template) \(labels)") {
                try ZeroShotOptions(labels: labels, template: template)
            }
        }
        #expect(try ZeroShotOptions(labels: ["a"], template: "{}", isMultiLabel: true).hypothesis("x") == "x")
        var request = try request(try model())
        func message() -> String {
            let error = #expect(throws: DistillationError.self) { _ = try LabelRun(request).run() }
            return error?.description ?? ""
        }
        request.output = nil
        #expect(message().contains("name a file with --output"))
        request.output = request.data
        #expect(message().contains("name the file .jsonl"))
        request.output = try scratch.write("", "there.jsonl")
        #expect(message().contains("pass --overwrite"))
        request = LabelRequest(
            teacher: Support.teacher, data: try scratch.write("{\"text\": \"x\"}\n", "t.jsonl"))
        (request.output, request.overwrite, request.cache) = (request.data, true, scratch.cache)
        #expect(message().contains("this is the file of the texts"))
    }
}
