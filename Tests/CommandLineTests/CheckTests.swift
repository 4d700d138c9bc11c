import Distillation
import Foundation
import Testing

/// `distill check` from the outside: everything that is wrong, in one run.
@Suite("check")
struct CheckTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func check(_ arguments: [String]) throws -> Program.Result {
        try Program.run(["check", "--output", scratch.path("out")] + arguments)
    }

    /// A copy of the teacher that tells other classes apart.
    private func otherLabels() throws -> String {
        try scratch.model("other", config: ("\"negative\"", "\"cold\""), ("\"positive\"", "\"warm\""))
    }

    /// A model whose classifier was never trained.
    private func headless() throws -> String {
        let base = Program.repository.appending(path: "Tests/TransformersTests/Fixtures/bert-base-prefixless")
        let copy = scratch.path("headless")
        try FileManager.default.copyItem(atPath: base.path, toPath: copy)
        return copy
    }

    /// Numbers for labels, one class alone, and every second text longer than eight tokens.
    private func numbered(_ name: String) throws -> String {
        let rows = (0..<40).map { index in
            let word = ["film", "plot", "story", "cast", "music"][index % 5]
            let text = "the \(word) was a \(index / 5 % 2 == 0 ? "warm" : "weak") \(word)"
            return index % 2 == 0
                ? "\(text) and the ending really was brilliant \(index),1" : "\(word) \(index),1"
        }
        return try scratch.write("text,label\n" + rows.joined(separator: "\n") + "\n", to: name)
    }

    @Test("one run lists every problem of a broken set-up, and writes nothing")
    func everything() throws {
        let data = try numbered("data.csv")
        let (headless, other) = (try headless(), try otherLabels())
        let before = try scratch.entries
        let result = try check([
            "--teacher", Program.teacher.path, "--teacher", headless, "--teacher", other, "--train", data,
            "--validation", data, "--temperature", "0", "--hidden-size", "30", "--attention-heads", "4",
            "--objective", "kll", "--objective", "rkd_angle", "--batch-size", "2", "--max-length", "8",
        ])
        #expect(result.status == 1, "\(result.errors)")
        let lines = result.output.split(separator: "\n").map(String.init)
        func expect(_ severity: String, _ texts: String..., sourceLocation: SourceLocation = #_sourceLocation)
        {
            let found = lines.count { line in
                line.hasPrefix("\(severity): ") && texts.allSatisfy(line.contains)
            }
            #expect(
                found == 1, "\(texts): \(found) in\n\(result.output)", sourceLocation: sourceLocation)
        }
        expect("error", "temperature must be above 0, got 0")
        expect("error", "temperature is of the default objectives")
        expect("error", "'kll'", "did you mean kl")
        expect("error", "headless", "classifier head", "distill finetune")
        expect("error", "other", "different labels")
        expect("error", "30 is not divisible", "4 attention heads")
        expect("warning", "An optimizer step sees 2 examples")
        expect("warning", "rkd_angle compares the examples of a micro-batch of 2")
        expect("warning", "40 of 40 validation examples", "data.csv", "training examples too")
        expect("warning", "20 of 40 training texts are cut at 8 tokens", "median length is", "longest has")
        expect("warning", "no example of 1 of the teacher's 2 labels (negative)")
        expect("note", "labels are numbers", "0 is negative, 1 is positive")
        #expect(lines.count { $0.hasPrefix("error: ") } == 6, "\(result.output)")
        // Errors come first, then warnings, then notes.
        let order = lines.compactMap { line in
            ["error", "warning", "note"].firstIndex { line.hasPrefix($0 + ": ") }
        }
        #expect(order == order.sorted() && order.count == lines.count, "\(result.output)")
        #expect(try scratch.entries == before)
    }

    @Test("a student larger than its teacher, and a batch too small for its objective")
    func studentAndBatch() throws {
        let result = try check([
            "--teacher", Program.teacher.path, "--train", Program.reviews.path, "--layers", "6",
            "--hidden-size", "64", "--objective", "rkd_angle", "--batch-size", "2",
        ])
        #expect(result.status == 1)
        for text in [
            "error: rkd_angle", "batch", "warning: The student has ", "it will not be smaller",
            "warning: rkd_angle compares",
        ] {
            #expect(result.output.contains(text), "\(result.output)")
        }
        #expect(try scratch.entries.isEmpty)
    }

    @Test("the same as JSON")
    func json() throws {
        let data = try numbered("data.csv")
        let result = try check([
            "--teacher", Program.teacher.path, "--teacher", try otherLabels(), "--train", data, "--alpha",
            "1.5", "--hidden-size", "30", "--attention-heads", "4", "--json",
        ])
        #expect(result.status == 1)
        let findings = try JSONText.decode([Finding].self, from: result.output)
        let errors = findings.filter { $0.severity == .error }.map(\.message)
        #expect(errors.count == 3, "\(errors)")
        #expect(errors.contains { $0.contains("alpha must be from 0") && $0.contains("1.5") })
        #expect(errors.contains { $0.contains("different labels") })
        #expect(errors.contains { $0.contains("30 is not divisible") })
        #expect(findings.contains { $0.severity == .warning && $0.message.contains("(negative)") })
        #expect(findings.contains { $0.severity == .note })
    }

    @Test("a mistyped setting of the configuration file is refused before anything is read")
    func mistyped() throws {
        let file = try scratch.write(
            "teacher: t\ntrain: a.csv\ntemprature: 2\n", to: "distill.yaml")
        let result = try check(["--config", file])
        #expect(result.status == 64 && result.errors.contains("did you mean temperature?"))
    }

    @Test("a sound set-up: exit code 0, nothing but notes, nothing written")
    func sound() throws {
        let arguments = [
            "--teacher", Program.teacher.path, "--train", Program.reviews.path, "--layers", "2",
            "--hidden-size", "16",
        ]
        // Equal reviews of training and validation would be a warning, so a validation file of its own.
        let validation = try scratch.write(
            "text,label\nthe brilliant ending and the dull scene,positive\na boring weak music score,negative\n",
            to: "validation.csv")
        let before = try scratch.entries
        let result = try check(arguments + ["--validation", validation])
        #expect(result.status == 0, "\(result.errors)")
        let lines = result.output.split(separator: "\n")
        #expect(!lines.isEmpty && lines.allSatisfy { $0.hasPrefix("note: ") }, "\(result.output)")
        #expect(result.output.contains("The teacher's accuracy on the validation data is"))
        #expect(try scratch.entries == before)
        let json = try check(arguments + ["--validation", validation, "--json"])
        let findings = try JSONText.decode([Finding].self, from: json.output)
        #expect(json.status == 0 && findings.map(\.description) == lines.map(String.init))
    }
}
