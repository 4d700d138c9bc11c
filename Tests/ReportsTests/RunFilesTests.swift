import Foundation
import JSON
import TestSupport
import Testing

@testable import Reports

@Suite("Records on disk")
struct RunFilesTests {
    private func refusal(_ url: URL) -> String {
        do {
            _ = try HTMLReport(url).html()
            return ""
        } catch { return "\(error)" }
    }

    @Test("what cannot be reported on is refused by name")
    func refusals() throws {
        let records = try Records()
        let missing = records.root.appending(path: "nowhere")
        #expect(refusal(missing) == "\(missing.path): no such file or directory; check the path")
        let empty = try records.write("empty", [:])
        let text = refusal(empty)
        #expect(text.contains(empty.path) && text.contains("there is nothing to report on"))
        for name in ["distillation.json", "training.json", "quantization.json"] {
            #expect(text.contains(name))
        }
        let broken = try records.write("broken", ["distillation.json": "{\"student\": "])
        #expect(refusal(broken).contains("distillation.json"))
        let foreign = try records.write("foreign", ["training.json": "{\"epochs\": 3}"])
        #expect(refusal(foreign).contains("there is no 'student' in it"))
        let list = try records.write("list", ["training.json": "[1]"])
        #expect(refusal(list).contains("is no JSON object"))
        try records.write(".", ["other.json": "{\"a\": 1}"])
        #expect(refusal(records.root.appending(path: "other.json")).contains("is no evaluation"))
        let record = Records.distillation().serialized()
        let history = try records.write(
            "h", ["distillation.json": record, "history.jsonl": "{\"step\":1}\n{\"st"])
        #expect(refusal(history).contains("history.jsonl, line 2: is not JSON"))
        let analysis = try records.write(
            "a", ["distillation.json": record, "analysis.json": "{\"data\": 3}"])
        #expect(refusal(analysis).contains("analysis.json: is not an analysis of distill ('data'"))
    }

    @Test("kinds of tasks that do not compare are refused")
    func mixed() throws {
        let records = try Records()
        let number: JSONValue = [
            "student": ["problem_type": "regression", "metrics": ["pearson": 0.8]], "settings": [:],
        ]
        let stars = try records.write("stars", ["distillation.json": number.serialized()])
        let error = #expect(throws: ReportError.self) { try HTMLReport(records.run(), stars) }
        #expect(error?.description.contains("they cannot be compared") == true)
        #expect(throws: ReportError.self) { try HTMLReport([], program: "") }
    }

    @Test("a changed record is refused or reported on, and never ends the program", arguments: 0..<40)
    func mutations(_ seed: Int) throws {
        let records = try Records()
        var generator = SeededGenerator(seed: UInt64(seed))
        let record = Self.mutated(Records.distillation(), &generator)
        let analysis = Self.mutated(
            try JSONValue.parse(try Records.json(Records.analysis())), &generator)
        let url = try records.write(
            "student",
            [
                "distillation.json": record.serialized(), "analysis.json": analysis.serialized(),
                "history.jsonl": Self.mutated(
                    try JSONValue.parse(String(Records.history(1).dropLast())), &generator
                ).serialized(),
            ])
        do {
            let html = try HTMLReport(url).html()
            #expect(html.hasSuffix("</html>\n"))
        } catch let error as ReportError { #expect(error.description.contains(url.path)) }
    }

    @Test("points of a history survive being written and read")
    func history() throws {
        let records = try Records()
        let point = HistoryPoint(
            step: 7, epoch: 0.5, stage: "layers", loss: 0.25, terms: [("kl", .nan), ("a \"b\"", 1)],
            metrics: [("accuracy", 0.5)], learningRate: 1e-5, gradNorm: .infinity, examplesPerSecond: 12)
        let url = try records.write(
            "run",
            ["distillation.json": Records.distillation().serialized(), "history.jsonl": point.line + "\n\n"])
        let read = try #require(try RunFiles(url).history.first)
        #expect(read == point)
        #expect(read.gradNorm.isNaN && read.terms[1].name == "a \"b\"" && read.metric("accuracy") == 0.5)
    }

    /// A value in which members are gone or something else.
    private static func mutated(_ value: JSONValue, _ generator: inout SeededGenerator) -> JSONValue {
        if Int.random(in: 0..<25, using: &generator) == 0 {
            let others: [JSONValue] = [
                nil, true, -1, 0, 1e300, "", "x", [], [:], .integer(.max), .integer(.min), [[1]], ["a": "b"],
            ]
            return others.randomElement(using: &generator) ?? nil
        }
        switch value {
        case .array(let values):
            return .array(values.map { mutated($0, &generator) })
        case .object(let object):
            var changed = JSONObject()
            for (key, value) in object where Int.random(in: 0..<30, using: &generator) > 0 {
                changed[key] = mutated(value, &generator)
            }
            return .object(changed)
        default: return value
        }
    }
}
