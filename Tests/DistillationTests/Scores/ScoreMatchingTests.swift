import Datasets
import Foundation
import JSON
import Testing
import Transformers

@testable import Distillation

@Suite("Scores belong to texts, by their bytes or by order")
struct ScoreMatchingTests {
    private let scratch: ScoreScratch

    init() throws { scratch = try ScoreScratch() }

    private func line(_ text: String?, _ positive: Double) -> String {
        var object = JSONObject()
        if let text { object["text"] = .string(text) }
        object["probabilities"] = ["negative": .number(1 - positive), "positive": .number(positive)]
        return JSONValue.object(object).serialized()
    }

    private func score(_ label: String) -> Double { label == "positive" ? 0.9 : 0.2 }

    private func error(_ request: DistillRequest) throws -> String {
        try scratch.findings(request, .error).joined(separator: "\n")
    }

    @Test("rows in any order, and rows of other texts, are found by text")
    func byText() throws {
        defer { scratch.remove() }
        let file = try scratch.lines { line($1, score($2)) }
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let shuffled = try scratch.write(
            ([line("an other text", 0.5)] + lines.reversed().map(String.init) + [lines[3]].map(String.init))
                .joined(separator: "\n"), "shuffled.jsonl")
        let notes = try scratch.findings(try scratch.request([shuffled]), .note)
        #expect(
            notes.contains { $0.contains("matched by text; 1 belong to no text of the data") }, "\(notes)")
        #expect(
            notes.contains {
                $0.contains("agree with 100.00 % of the 108 labels") && $0.contains("calibration error 0.1")
            }, "\(notes)")
    }

    @Test("rows without texts belong to the texts in their places, for each data file")
    func byOrder() throws {
        defer { scratch.remove() }
        let file = try scratch.lines { _, _, label in line(nil, score(label)) }
        var request = try scratch.request([file])
        #expect(try error(request).isEmpty)
        request.data.validation = Support.reviews
        let alone = try scratch.findings(request, .note)
        #expect(alone.contains { $0.contains("no scores of the validation data") })
        request.scores[0].files = [file, file]
        #expect(try error(request).isEmpty)
        request.scores[0].files = [file, file, file]
        #expect(try error(request).contains("there are 3 for 2 (reviews.csv, reviews.csv)"))
        let short = try scratch.write(line(nil, 0.5), "short.jsonl")
        request.scores[0].files = [short]
        #expect(try error(request).contains("1 rows of scores for the 120 texts"))
    }

    @Test("rows whose texts have a name that is not known are not taken in another order")
    func otherOrder() throws {
        defer { scratch.remove() }
        func file(_ name: String, _ place: (Int) -> Int) throws -> URL {
            let rows = try ScoreScratch.reviews()
            return try scratch.lines(name) { index, _, _ in
                let (text, label) = rows[place(index)]
                let probabilities: JSONObject = [
                    "negative": .number(1 - score(label)), "positive": .number(score(label)),
                ]
                return JSONValue.object([
                    "id": .string("\(index)"), "passage": .string(text),
                    "probabilities": .object(probabilities),
                ]).serialized()
            }
        }
        #expect(try error(scratch.request([file("same.jsonl") { $0 }])).isEmpty)
        let swapped = try error(scratch.request([file("swapped.jsonl") { $0 == 2 ? 3 : $0 == 3 ? 2 : $0 }]))
        #expect(
            swapped.contains("swapped.jsonl, line 3: '") && swapped.contains("name its key text"),
            "\(swapped)")
    }

    @Test("a student's head for other classes is an error that says what this command can do")
    func otherHead() throws {
        defer { scratch.remove() }
        let file = try scratch.lines { _, text, label in
            let scores: JSONObject = ["negative": 0.25, "neutral": 0.25, "positive": 0.5]
            return JSONValue.object(["text": .string(text), "scores": .object(scores)]).serialized()
        }
        let found = try error(scratch.request([file]))
        #expect(
            found.contains("head tells 2 classes apart") && found.contains("which `distill finetune"),
            "\(found)")
    }

    @Test("a text without scores, and one with two, are named")
    func conflicts() throws {
        defer { scratch.remove() }
        let rows = try ScoreScratch.reviews()
        let file = try scratch.lines { index, text, label in
            line(index == 4 ? "gone" : text, score(label))
        }
        let missing = try error(try scratch.request([file]))
        #expect(
            missing.contains("1 of its 120 texts have no scores") && missing.contains(rows[4].text),
            "\(missing)")
        let twice = try scratch.lines("twice.jsonl") { line($1, score($2)) }
        let text = try String(contentsOf: twice, encoding: .utf8) + line(rows[2].text, 0.5)
        let both = try scratch.write(text, "twice.jsonl")
        let conflict = try error(try scratch.request([both]))
        #expect(
            conflict.contains("line 121: the text has other scores here than in")
                && conflict.contains("line 3"), "\(conflict)")
    }

    @Test("a column of the data itself")
    func column() throws {
        defer { scratch.remove() }
        let rows = try ScoreScratch.reviews()
        let text = rows.map { "\"\($0.text)\",\($0.label),\(1 - score($0.label)),\(score($0.label))" }
        let data = try scratch.write(
            (["text,label,p_negative,p_positive"] + text).joined(separator: "\n"), "data.csv")
        var request = try scratch.request([], column: "p_")
        request.data.train = data
        let notes = try scratch.findings(request, .note)
        #expect(
            notes.contains { $0.contains("120 rows of probabilities, as a column for each class") },
            "\(notes)")
        request.scores[0].column = "q_"
        #expect(try error(request).contains("there is no 'q_'"))
        request.scores[0].column = nil
        #expect(try error(request).contains("neither a file of scores is named"))
    }

    @Test("labels that the data name in another way are no labels")
    func labels() throws {
        defer { scratch.remove() }
        func file(_ one: String, _ other: String) throws -> URL {
            try scratch.lines("\(one).jsonl") { _, text, label in
                let scores: JSONObject = [one: .number(1 - score(label)), other: .number(score(label))]
                return JSONValue.object(["text": .string(text), "scores": .object(scores)]).serialized()
            }
        }
        #expect(
            try error(try scratch.request([file("Negative", "Positive")])).contains(
                "differ in case: write them alike"))
        #expect(
            try error(try scratch.request([file("bad", "good")])).contains(
                "write a score for each label, and the names as the data do"))
        #expect(try error(try scratch.request([file("negative", "positive")])).isEmpty)
        #expect(
            try error(try scratch.request([file("LABEL_0", "LABEL_1")])).contains(
                "write a score for each label"))
        // Beside a teacher that is a model, its labels are the labels.
        var beside = try scratch.request([file("bad", "good")])
        beside.teachers = [TeacherRequest(Support.teacher)]
        #expect(try error(beside).contains("which are no labels; the labels are negative, positive"))
    }

    @Test("one label with its confidence, and votes, teach too")
    func labelsAndVotes() throws {
        defer { scratch.remove() }
        for line in [#""label": "%@", "score": 0.8"#, #""votes": ["%@", "positive", "%@"]"#] {
            let file = try scratch.lines { _, text, label in
                "{\"text\": \(JSONValue.string(text).serialized()), \(line.replacing("%@", with: label))}"
            }
            let report = try DistillationRun(try scratch.request([file], "s-\(line.count)")).run()
            #expect(report.labels == ["negative", "positive"] && report.comparison != nil)
        }
    }

    @Test("hard labels are told from scores")
    func hardLabels() throws {
        defer { scratch.remove() }
        let file = try scratch.lines { line($1, $2 == "positive" ? 1 : 0) }
        let warnings = try scratch.findings(try scratch.request([file]), .warning)
        #expect(warnings.contains { $0.contains("these are labels, which tell nothing") }, "\(warnings)")
    }

    @Test("losses that scores cannot serve are refused by name, and so is what else needs a model")
    func refusals() throws {
        defer { scratch.remove() }
        let file = try scratch.lines { line($1, score($2)) }
        for (objective, part) in [
            ("logits_mse", "logits_mse compares logits, but the teacher's scores are probabilities"),
            ("rkd_distance(feature = logits)", "rkd_distance compares logits"),
            (
                "hidden_mse",
                "hidden_mse compares token by token, but the teacher is known by its scores alone"
            ),
            ("minilm_v2", "minilm_v2 compares token by token, but the teacher is known by its scores alone"),
            ("infonce", "but the teacher is known by its scores alone"),
        ] {
            var request = try scratch.request([file])
            request.objectives = [try ObjectiveSpecification(text: objective)]
            let found = try error(request)
            #expect(found.contains(part), "\(objective): \(found)")
        }
        for objective in ["kl", "soft_cross_entropy", "dkd", "dist", "standardized_kl"] {
            var request = try scratch.request([file])
            request.objectives = [try ObjectiveSpecification(text: objective)]
            #expect(try error(request).isEmpty, "\(objective)")
        }
        var request = try scratch.request([file])
        request.augmentation = try Augmentation(maskProbability: 0.1)
        #expect(try error(request).contains("the teacher is known by its scores alone"))
        request = try scratch.request([file])
        request.combination = .logits
        #expect(
            try error(request).contains("teacher_combination is logits, but these scores are probabilities"))
        request = try scratch.request([file])
        request.student.directory = nil
        #expect(try error(request).contains("the student is missing"))
        request = try scratch.request([file])
        request.data.problemType = .regression
        #expect(try error(request).contains("scores teach text classifiers"))
    }
}
