import Deployment
import Distillation
import Foundation
import Testing

@testable import distill

/// `distill prune` from the outside.
@Suite("Models are pruned from the command line")
struct PruneTests {
    let scratch: Scratch
    private let model = Program.repository.appending(path: "Tests/GenerationTests/Fixtures/text-model").path

    init() throws { scratch = try Scratch() }

    private func texts() throws -> String {
        let words = ["the wren", "an inn", "the end", "a hen", "in the inn"]
        let lines = (0..<20).map { #"{"text": "\#(words[$0 % 5]) \#(words[$0 * 3 % 5])"}"# }
        let path = scratch.path("texts.jsonl")
        try (lines.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test("prune: a table of what it cost, a directory that can be evaluated, and --overwrite")
    func prune() throws {
        let (data, output) = (try texts(), scratch.path("pruned"))
        let arguments = ["prune", "--model", model, "--train", data, "--layers", "1", "--output", output]
        let first = try Program.run(arguments)
        try #require(first.status == 0, "\(first.errors)")
        for text in ["KL before training", "evenly chosen layers", "Layers that went", "Saved in"] {
            #expect(first.output.contains(text), "\(text): \(first.output)")
        }
        let again = try Program.run(arguments)
        #expect(again.status == 1 && again.errors.contains("overwrite"), "\(again.errors)")
        let json = try Program.run(arguments + ["--overwrite", "--json"])
        #expect(json.status == 0 && json.output.contains("\"dropped_layers\""), "\(json.output)")
        let evaluated = try Program.run([
            "evaluate", "--model", output, "--teacher", model, "--data", data, "--latency-samples", "0",
        ])
        #expect(evaluated.status == 0, "\(evaluated.errors)")
    }

    @Test(
        "a search for a time: what was asked for and what was measured, and the time of each shape",
        arguments: [false, true])
    func latency(_ isMet: Bool) throws {
        let shape =
            #"{"layers": 2, "hidden_size": 32, "intermediate_size": 64, "attention_heads": 2, "key_value_heads": 2}"#
        let trial =
            #"{"shape": \#(shape), "parameters": 90, "distance": 0.5, "agreement": 0.75, "latency_ratio": 0.625}"#
        let report = try JSONText.decode(
            PruneReport.self,
            from: #"""
                {"model": "m", "output": "out", "data": {"path": "d.jsonl", "examples": 3, "sha256": ""}, "calibration_tokens": 10,
                 "before": {"shape": \#(shape), "parameters": 100}, "after": {"shape": \#(shape), "parameters": 90}, "measure": "kl",
                 "distance": 0.5, "agreement": 0.75, "layers": [0, 1], "dropped_layers": [], "trials": [\#(trial)],
                 "target_latency": {"target_milliseconds": 12, "milliseconds": 15, "model_milliseconds": 20, "ratio": 0.75,
                                    "text_tokens": 11, "is_met": \#(isMet), "searches": 3},
                 "is_corrected": true, "phases": [],
                 "versions": {"distill": "1", "libtorch": "2", "cpu_capability": "", "threads": 1}}
                """#)
        let text = ReportText.pruning(report)
        let state = isMet ? "met" : "NOT met"
        #expect(
            text.contains(
                "A text of 11 tokens alone takes 15.0 ms, the model 20.0 ms: 75.00 %, and --target-latency 12ms is \(state)\n"
            ),
            "\(text)")
        #expect(text.contains("agreement   time of the model's\n") && text.contains("62.50 %"), "\(text)")
    }

    @Test("prune: an encoder's neurons, and what is refused")
    func encoder() throws {
        let base = ["prune", "--model", Program.teacher.path, "--train", Program.reviews.path, "--output"]
        let good = try Program.run(
            base + [scratch.path("pruned"), "--layers", "3", "--intermediate-size", "32"])
        #expect(good.status == 0 && good.output.contains("Feed-forward neurons"), "\(good.errors)")
        for (options, message) in [
            ([], "nothing to prune"), (["--target-parameters", "many"], "neither a number"),
            (["--target-parameters", "1.5"], "parameters"), (["--layers", "9"], "has 4"),
            (["--target-latency", "fast"], "neither a fraction"),
            (["--target-latency", "2"], "such as 12ms"),
            (["--target-latency", "0.5", "--target-parameters", "0.5"], "two searches"),
            (["--hidden-size", "20"], "multiple of 8"), (["--key-value-heads", "1"], "no groups"),
            (["--keep-layers", "x"], "neither loss-drop"), (["--keep-layers", "3,1"], "in order"),
        ] {
            let bad = try Program.run(base + [scratch.path("none")] + options)
            #expect(bad.status != 0 && bad.errors.contains(message), "\(message): \(bad.errors)")
            #expect(!FileManager.default.fileExists(atPath: scratch.path("none")))
        }
    }
}
