import Datasets
import Foundation
import JSON
import Testing
import Transformers

@testable import Distillation

@Suite("Scores become logits")
struct ScoreConversionTests {
    /// The logits of the rows of a file, by order.
    private func convert(
        _ text: String, labels: [String] = ["a", "b", "c"], type: TaskIdentifier = .singleLabel,
        name: String = "s.jsonl"
    ) throws -> (rows: [[Float]], teacher: ScoreTeacher) {
        let scratch = try ScoreScratch()
        defer { scratch.remove() }
        let url = try scratch.write(text, name)
        let survey = try ScoreSurvey(ScoresRequest([url]), files: [url], columns: DataColumns())
        let teacher = try ScoreTeacher(
            survey, files: [url], data: [url], counts: [survey.count], required: 1,
            labels: try LabelMap(names: labels), type: type, columns: DataColumns())
        let classes = labels.count
        return (
            (0..<survey.count).map { Array(teacher.table.values[$0 * classes..<($0 + 1) * classes]) }, teacher
        )
    }

    private func probabilities(_ row: [Float]) -> [Double] { Logits.softmax(of: row.map(Double.init)) }

    private func expect(_ row: [Float], _ expected: [Double], _ comment: Comment = "") {
        for (own, other) in zip(probabilities(row), expected) { #expect(abs(own - other) < 2e-6, comment) }
    }

    @Test("logits are kept bit for bit")
    func logits() throws {
        let values: [Float] = [.pi, -1e-30, 1.0000001, -0.0, .greatestFiniteMagnitude, .leastNormalMagnitude]
        let text = values.indices.map { start in
            let row = (0..<3).map { Double(values[(start + $0) % values.count]) }
            return JSONValue.object(["logits": .array(row.map { .number($0) })]).serialized()
        }.joined(separator: "\n")
        let (rows, teacher) = try convert(text)
        #expect(teacher.hasLogits)
        for (start, row) in rows.enumerated() {
            for (place, value) in row.enumerated() {
                #expect(value.bitPattern == values[(start + place) % values.count].bitPattern)
            }
        }
    }

    @Test("probabilities, log-probabilities and percentages are one distribution")
    func scales() throws {
        for text in [
            #"{"scores": {"c": 0.1, "a": 0.7, "b": 0.2}}"#, #"{"probabilities": [0.7, 0.2, 0.1]}"#,
            #"{"logprobs": [\#(log(0.7)), \#(log(0.2)), \#(log(0.1))]}"#,
            #"{"scores": [\#(log(0.7)), \#(log(0.2)), \#(log(0.1))]}"#, #"{"scores": [70, 20, 10]}"#,
            #"{"votes": {"a": 7, "b": 2, "c": 1}}"#,
            #"[{"label": "a", "score": 0.7}, {"label": "c", "score": 0.1}, {"label": "b", "score": 0.2}]"#,
        ] {
            let (rows, teacher) = try convert(text + "\n" + text)
            expect(rows[1], [0.7, 0.2, 0.1], "\(text)")
            #expect(!teacher.hasLogits)
            let percent = teacher.findings.filter { $0.severity == .warning }.map(\.message)
            #expect(percent.contains { $0.contains("percentages") } == text.contains("70,"), "\(text)")
        }
        // Both signs: nothing but logits.
        #expect(try convert(#"{"scores": [1.5, -2, 0]}"#).teacher.hasLogits)
    }

    @Test("probabilities that are rounded a little out of 0 to 1 are still probabilities")
    func rounding() throws {
        for key in ["scores", "probabilities"] {
            let (rows, teacher) = try convert(
                #"{"\#(key)": [0.7, 0.2, 0.1]}"# + "\n" + #"{"\#(key)": [1.00005, -1e-9, 0]}"#)
            expect(rows[0], [0.7, 0.2, 0.1])
            expect(rows[1], [1, 1e-6, 1e-6])
            #expect(!teacher.hasLogits)
        }
    }

    @Test("a truncated list shares its rest, zeros get the floor, and both are said")
    func restAndFloor() throws {
        let (rest, teacher) = try convert(
            #"[{"label": "b", "score": 0.8}]"# + "\n" + #"[{"label": "a", "score": 0.5}]"#)
        expect(rest[0], [0.1, 0.8, 0.1])
        expect(rest[1], [0.5, 0.25, 0.25])
        #expect(
            teacher.findings.contains {
                $0.message.contains("2 rows lack labels") && $0.message.contains("35.00 %")
            })
        let (floor, sure) = try convert(#"{"probabilities": [1, 0, 0]}"#)
        #expect(floor[0].allSatisfy(\.isFinite) && abs(Double(floor[0][1]) - log(1e-6)) < 1e-4)
        #expect(
            sure.findings.contains {
                $0.message.contains("2 probabilities in 1 rows are 0") && $0.message.contains("1e-06")
            })
        let (votes, _) = try convert(#"{"votes": ["a", "a", "b", "b"]}"#)
        expect(votes[0], [0.5, 0.5, 1e-6])
        // Tokens that are no labels count with the rest; labels by themselves are all there is.
        let (tokens, told) = try convert(
            #"{"top_logprobs": [{"token": "a", "logprob": \#(log(0.6))}, {"token": " b", "logprob": \#(log(0.1))}, {"token": "B", "logprob": \#(log(0.2))}]}"#
        )
        expect(tokens[0], [0.6, 0.1, 0.3])
        #expect(told.findings.contains { $0.message.contains("1 of the listed tokens are no labels") })
    }

    @Test("scores that do not add up to 1 are divided by their sum, with a warning that names the first")
    func sums() throws {
        let (rows, teacher) = try convert(
            #"{"scores": [0.5, 0.3, 0.2]}"# + "\n" + #"{"scores": [0.9, 0.9, 0.2]}"#)
        expect(rows[1], [0.45, 0.45, 0.1])
        let warning = teacher.findings.first { $0.severity == .warning }?.message ?? ""
        #expect(warning.contains("1 rows do not add up to 1") && warning.contains("line 2: 2"), "\(warning)")
    }

    @Test("decisions keep their own probabilities")
    func decisions() throws {
        let (rows, _) = try convert(#"{"scores": {"a": 0.9, "b": 0.9, "c": 0}}"#, type: .multiLabel)
        #expect(abs(Double(rows[0][0]) - log(9.0)) < 1e-6 && rows[0][0] == rows[0][1])
        #expect(abs(Double(rows[0][2]) - log(1e-6)) < 1e-4)
        let (logits, teacher) = try convert(#"{"logits": [1.5, -2, 0]}"#, type: .multiLabel)
        #expect(logits[0] == [1.5, -2, 0] && teacher.hasLogits)
    }

    @Test(
        "what could be taken for something else is refused",
        arguments: [
            (#"{"scores": [1, 5, 3]}"#, TaskIdentifier.singleLabel, "may be logits, percentages or votes"),
            (
                #"{"scores": {"a": 5, "b": 3, "c": 1}}"#, .singleLabel, "may be logits, percentages or votes"
            ),
            (
                #"[{"label": "a", "score": 5.5}, {"label": "b", "score": 3.5}]"#, .singleLabel,
                "may be logits, percentages or votes"
            ),
            (
                #"{"probabilities": {"a": 5, "b": 3, "c": 1}}"#, .singleLabel,
                "probabilities are from 0 to 1, but there is 5"
            ),
            (
                #"{"probabilities": [0.5, 2, 0.1]}"#, .singleLabel,
                "probabilities are from 0 to 1, but there is 2"
            ),
            (
                #"{"logprobs": [-1, 0.5, -3]}"#, .singleLabel,
                "log-probabilities are 0 at most, but there is 0.5"
            ),
            (
                #"{"scores": {"a": 0.5, "B": 0.5, "c": 0}}"#, .singleLabel,
                "'B' is not the label 'b': they differ in case"
            ),
            (
                #"{"scores": {"LABEL_0": 0.5, "LABEL_1": 0.5, "LABEL_2": 0}}"#, .singleLabel,
                "numbers and not names"
            ),
            (
                #"{"scores": {"a": 0.5, "b": 0.5, "d": 0}}"#, .singleLabel,
                "the scores are of d, which is no label"
            ),
            (#"{"scores": {"a": 0.5, "b": 0.5}}"#, .singleLabel, "there are no scores of the label c"),
            (#"{"logits": {"a": 0.5, "b": 0.5}}"#, .singleLabel, "there are no scores of the label c"),
            (#"{"scores": [0.5, 0.5]}"#, .singleLabel, "the arrays have 2 scores, but there are 3 labels"),
            (
                #"{"scores": [0.5, 0.5]}"# + "\n" + #"{"scores": [0.5]}"#, .singleLabel,
                "line 2: the array has 1 scores"
            ),
            (
                #"[{"label": "a", "score": 0.9}, {"label": "b", "score": 0.4}]"#, .singleLabel,
                "line 1: the scores add up to 1.3 without all labels"
            ),
            (#"{"scores": [0, 0, 0]}"#, .singleLabel, "line 1: the scores are all 0"),
            (
                #"{"top_logprobs": [{"token": "x", "logprob": -1}]}"#, .singleLabel,
                "none of the tokens is a label"
            ),
            (#"{"logits": [1e300, 0, 0]}"#, .singleLabel, "too large for float32"),
            (#"[{"label": "a", "score": 0.9}]"#, .multiLabel, "needed for every label"),
            (
                #"{"label": "a", "score": 0.9}"#, .multiLabel,
                "say nothing of labels that do not exclude one another"
            ),
            (#"{"votes": ["a"]}"#, .multiLabel, "say nothing of labels that do not exclude one another"),
            (#"{"logits": [1, 2, 3]}"#, .regression, "scores teach text classifiers, the task is regression"),
        ])
    func refusals(_ text: String, _ type: TaskIdentifier, _ part: String) {
        let error = #expect(throws: (any Error).self, "\(text)") { _ = try convert(text, type: type) }
        #expect("\(error.map { "\($0)" } ?? "")".contains(part), "\(error.map { "\($0)" } ?? "")")
    }

    @Test("numbers are names of labels that are only numbered, and of no others")
    func numbers() throws {
        let labels = ScoreLabels(try LabelMap(names: ["LABEL_0", "LABEL_1"]))
        #expect(labels.id(of: "1") == 1 && labels.id(of: "LABEL_1") == 1)
        #expect(labels.id(of: "2") == nil && labels.id(of: "01") == nil && labels.id(of: "label_1") == nil)
        #expect(ScoreLabels(try LabelMap(names: ["a", "b"])).id(of: "1") == nil)
    }

    @Test("a file of probabilities has the loss of transformers' zero-shot distillation")
    func losses() throws {
        let url = ScoreScratch.fixtures.appending(path: "losses.json")
        let fixture = try #require(try JSONValue.load(contentsOf: url).objectValue)
        let rows = try #require(fixture["probabilities"]?.arrayValue)
        let student = try #require(fixture["student"]?.arrayValue).flatMap {
            ($0.arrayValue ?? []).map { Float($0.doubleValue ?? 0) }
        }
        let text = rows.map { JSONValue.object(["probabilities": $0]).serialized() }.joined(separator: "\n")
        let (teacher, _) = try convert(text, labels: ["a", "b", "c", "d"])
        for (temperature, expected) in try #require(fixture["losses"]?.objectValue) {
            let factor = try #require(Double(temperature))
            // −Σ p log q, computed in double precision from the logits that scores become.
            func softened(_ row: some Sequence<Float>) -> [Double] {
                Logits.softmax(of: row.map { Double($0) / factor })
            }
            let sum = teacher.enumerated().reduce(0.0) { sum, pair in
                let own = softened(student[pair.offset * 4..<pair.offset * 4 + 4])
                return sum - zip(softened(pair.element), own).reduce(0) { $0 + $1.0 * log($1.1) }
            }
            #expect(abs(sum / Double(teacher.count) - (expected.doubleValue ?? 0)) < 1e-6)
        }
    }
}
