import Benchmarking
import Distillation
import Foundation
import Testing

/// The commands that judge language models, from the outside.
@Suite("Language models are judged and measured from the command line")
struct LanguageModelTests {
    let scratch: Scratch
    private let model = Program.repository.appending(path: "Tests/GenerationTests/Fixtures/text-model").path

    init() throws { scratch = try Scratch() }

    private func write(_ text: String, _ name: String) throws -> String {
        try text.write(toFile: scratch.path(name), atomically: true, encoding: .utf8)
        return scratch.path(name)
    }

    @Test("evaluate: texts by bytes, questions, both, and what is missing")
    func evaluate() throws {
        let texts = try write(#"{"text": "the wren"}"# + "\n" + #"{"text": "an inn"}"# + "\n", "texts.jsonl")
        let questions = try write(
            #"{"query": "the", "choices": ["an", "inn"], "gold": 0}"# + "\n"
                + #"{"query": "an", "choices": ["inn", "the"], "gold": 1}"# + "\n", "questions.jsonl")
        let both = try Program.run([
            "evaluate", "--model", model, "--data", texts, "--choices", questions, "--latency-samples", "0",
        ])
        try #require(both.status == 0, "\(both.errors)")
        for text in ["bits per byte", "perplexity by byte", "(2 questions; 50.00 % by chance)", "acc_norm"] {
            #expect(both.output.contains(text), "\(text): \(both.output)")
        }
        // Nothing is trained here, so nothing is said of it.
        #expect(!both.errors.contains("learn to stop"), "\(both.errors)")
        let alone = try Program.run([
            "evaluate", "--model", model, "--choices", questions, "--teacher", model, "--json",
        ])
        try #require(alone.status == 0, "\(alone.errors)")
        let report = try #require(
            try JSONText.decode([String: ChoiceEvaluation].self, from: alone.output)["choices"]?.tasks.first)
        #expect(
            report.chance == 0.5 && report.teacher == report.model && alone.output.contains("\"acc_norm\""))
        let more = try write(#"{"query": "an", "choices": ["inn", "the"], "gold": 0}"# + "\n", "more.jsonl")
        let tasks = try Program.run([
            "evaluate", "--model", model, "--choices", questions, "--choices", more, "--teacher", model,
        ])
        try #require(tasks.status == 0, "\(tasks.errors)")
        for text in [
            "more.jsonl (1 question;", "Mean of 2 tasks (50.00 % by chance)", "kept", "above chance",
        ] {
            #expect(tasks.output.contains(text), "\(text): \(tasks.output)")
        }
        let none = try Program.run(["evaluate", "--model", model])
        #expect(
            none.status == 64 && none.errors.contains("give texts with --data, questions with --choices"))
        let encoder = try Program.run(["evaluate", "--model", Program.teacher.path, "--choices", questions])
        #expect(encoder.status == 1 && encoder.errors.contains("is no language model"))
    }

    @Test("run: the gain over the baseline is told by the divergence, with its direction")
    func run() throws {
        let words = ["the wren", "an inn", "the end", "a hen", "in the inn"]
        let lines = (0..<40).map {
            #"{"prompt": "say \#(words[$0 % 5])", "completion": " \#(words[$0 * 3 % 5])"}"#
        }
        let data = try write(lines.joined(separator: "\n") + "\n", "data.jsonl")
        let run = try Program.run([
            "run", "--teacher", model, "--train", data, "--layers", "1", "--epochs", "1", "--baseline",
            "--output", scratch.path("student"), "--report-examples", "2", "--precision", "float32",
        ])
        try #require(run.status == 0, "\(run.errors)")
        for text in [
            "Without the teacher the same student's KL to teacher is", "(less is better): the teacher",
            "perplexity (less is better)", "agreement of next tokens", "better by",
        ] { #expect(run.output.contains(text), "\(text): \(run.output)") }
        let output = URL(filePath: scratch.path("student"))
        let page = try String(contentsOf: output.appending(path: "report.html"), encoding: .utf8)
        #expect(page.contains("Prompt 2") && !page.contains("Prompt 3") && !page.contains("keeps"))
        let card = try String(contentsOf: output.appending(path: "README.md"), encoding: .utf8)
        #expect(card.contains("this one is better by") && card.contains("bits per byte"))
    }

    @Test("benchmark: prefill, decode alone and in batches, memory and size; what it does not take is said")
    func benchmark() throws {
        let arguments = [
            "benchmark", "--model", model, "--model", model, "--batch-sizes", "1,3", "--lengths", "6",
            "--new-tokens", "4", "--rounds", "2", "--seconds", "0.01", "--threads", "1",
        ]
        let run = try Program.run(arguments + ["--json"])
        try #require(run.status == 0, "\(run.errors)")
        let report = try JSONText.decode(GenerationBenchmarkReport.self, from: run.output)
        #expect(report.models.map(\.name) == ["text-model (1)", "text-model (2)"])
        for model in report.models {
            #expect(model.weightBytes > 40_000 && model.parameters > 10_000 && model.loadMilliseconds > 0)
            #expect(model.peakMemoryBytes >= model.loadedMemoryBytes && model.loadedMemoryBytes > 1_000_000)
        }
        #expect(report.cells.map { [$0.batch, $0.promptTokens, $0.newTokens] } == [[1, 6, 4], [3, 6, 4]])
        for cell in report.cells {
            for result in cell.results {
                let (first, rest) = (result.prefill.p50Milliseconds, result.decode.p50Milliseconds)
                #expect(
                    abs(result.prefillTokensPerSecond - Double(cell.batch * 6) / first * 1e3) < 1e-6 / first)
                #expect(abs(result.decodeTokensPerSecond - Double(cell.batch * 3) / rest * 1e3) < 1e-6 / rest)
            }
        }
        let table = try Program.run(arguments)
        for text in ["prefill tokens/s", "decode tokens/s", "first token", "3 × 6 + 4", "on disk", "memory"] {
            #expect(table.output.contains(text), "\(table.output)")
        }
        func refusal(_ arguments: [String]) throws -> String {
            let run = try Program.run(["benchmark"] + arguments)
            #expect(run.status != 0 && run.output.isEmpty)
            return run.errors
        }
        #expect(
            try refusal(["--model", model, "--model", Program.teacher.path]).contains("is no language model"))
        #expect(try refusal(["--model", model, "--chart", scratch.path("c.svg")]).contains("--chart"))
        #expect(try refusal(["--model", model, "--lengths", "190"]).contains("reads at most 200 tokens"))
        #expect(try refusal(["--model", model, "--data", "x.jsonl"]).contains("distill evaluate"))
        #expect(
            try refusal(["--model", Program.teacher.path, "--new-tokens", "4"]).contains(
                "those of language models"))
    }
}
