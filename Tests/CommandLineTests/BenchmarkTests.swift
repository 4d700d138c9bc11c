import Benchmarking
import Distillation
import Foundation
import Testing

/// `distill benchmark` from the outside, on tiny models.
@Suite("benchmark")
struct BenchmarkTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("two models are measured and judged: table, JSON and chart")
    func twoModels() throws {
        let other = try scratch.model("other", config: ("\"problem_type\"", "\"problem_type\""))
        let chart = scratch.path("chart.svg")
        let arguments = [
            "benchmark", "--model", Program.teacher.path, "--model", other, "--batch-sizes", "1,3",
            "--lengths",
            "5,16", "--data", Program.reviews.path, "--rounds", "2", "--seconds", "0.02", "--threads", "1",
        ]
        let run = try Program.run(arguments + ["--json", "--chart", chart])
        try #require(run.status == 0, "\(run.errors)")
        let report = try JSONText.decode(BenchmarkReport.self, from: run.output)
        #expect(report.models.map(\.name) == ["tiny-teacher", "other"] && report.data?.examples == 120)
        for model in report.models {
            #expect(model.parameters == 43_810 && model.weightBytes == 183_088, "\(model)")
            #expect(model.peakMemoryBytes >= model.loadedMemoryBytes && model.loadedMemoryBytes > 1_000_000)
            #expect(model.loadsMilliseconds.count == 3 && model.loadMilliseconds > 0)
            #expect(try #require(model.metrics?[.accuracy]) > 0.9)
            #expect(model.multiplyAdds?.map(\.length) == [5, 16] && model.runtime.contains("libtorch"))
        }
        #expect(report.models[0].agreement == nil && report.models[1].agreement == 1)
        #expect(report.cells.map { [$0.batch, $0.length] } == [[1, 5], [1, 16], [3, 5], [3, 16]])
        for result in report.cells.flatMap(\.results) {
            let timing = result.timing
            #expect(timing.p50Milliseconds > 0 && timing.p50Milliseconds <= timing.p95Milliseconds)
            #expect(timing.p95Milliseconds <= timing.p99Milliseconds && timing.samples >= 6)
            #expect(timing.roundMediansMilliseconds.count == 2 && result.sentencesPerSecond > 0)
            #expect(
                result.speedup.low <= result.speedup.median && result.speedup.median <= result.speedup.high)
        }
        #expect(report.bulk?.sentences == 120 && report.bulk?.results.count == 2)
        #expect(report.settings.threads == 1 && report.settings.rounds == 2)
        #expect(try String(contentsOfFile: chart, encoding: .utf8).hasSuffix("</svg>\n"))

        let table = try Program.run(arguments)
        for text in [
            "p50", "sentences/s", "1 × 16  other", "accuracy", "120 texts", "multiply-adds", "on disk",
        ] {
            #expect(table.output.contains(text), "\(table.output)")
        }
        #expect(try scratch.entries == ["other", "chart.svg"])
    }

    @Test("what cannot be measured is refused at once, with the reason")
    func refusals() throws {
        func refusal(_ arguments: String...) throws -> (status: Int32, text: String) {
            let run = try Program.run(["benchmark"] + arguments)
            return (run.status, run.errors)
        }
        let teacher = Program.teacher.path
        #expect(try refusal("--model", scratch.path("none")).text.contains("no such file or directory"))
        let lengths = try refusal("--model", teacher, "--lengths", "8,x")
        #expect(lengths.status == 64 && lengths.text.contains("got '8,x'"))
        let long = try refusal("--model", teacher, "--lengths", "65")
        #expect(long.status == 64 && long.text.contains("takes at most 64 tokens"))
        let chart = try refusal("--model", teacher, "--chart", "/no/such/place/c.svg")
        #expect(chart.status == 64 && chart.text.contains("/no/such/place"))
        let damaged = try scratch.model("damaged", "model.safetensors") { $0 = $0.prefix(5000) }
        let weights = try refusal("--model", teacher, "--model", damaged, "--seconds", "0.01")
        #expect(weights.status == 1 && weights.text.contains("model.safetensors"), "\(weights.text)")
    }

    @Test("the worker answers line by line, and refuses what it does not understand")
    func worker() throws {
        func answers(_ lines: String...) throws -> [String] {
            let run = try Program.run(["benchmark-worker"], input: lines.joined(separator: "\n") + "\n")
            #expect(run.status == 0, "\(run.errors)")
            return run.output.split(separator: "\n").map(String.init)
        }
        let load = #"{"command":"load","model":"\#(Program.teacher.path)","threads":1}"#
        let warm = #"{"command":"warm","batch":1,"length":3,"inputs":[[2,9,3]]}"#
        let good = try answers(load, warm, #"{"command":"run","passes":4}"#)
        try #require(good.count == 3)
        #expect(
            good[0].contains("\"classes\":2") && good[1].contains("\"is_stable\":")
                && !good[2].contains("error"))
        #expect(
            good[2].split(separator: "\"seconds\":[")[1].split(separator: "]")[0].split(separator: ",").count
                == 4)
        #expect(try answers("nonsense").first?.contains("\"error\"") == true)
        #expect(try answers(#"{"command":"dance"}"#).first?.contains("\"error\"") == true)
        #expect(try answers(#"{"command":"run"}"#).first?.contains("there are no inputs") == true)
        let wrong = try answers(load, #"{"command":"warm","batch":2,"length":3,"inputs":[[2,9,3]]}"#)
        #expect(wrong.count == 2 && wrong[1].contains("3 ids are not 2 sentences of 3 tokens"))
        let outside = try answers(load, #"{"command":"warm","batch":1,"length":3,"inputs":[[2,9999,3]]}"#)
        #expect(outside.count == 2 && outside[1].contains("\"error\""))
        #expect(try Program.run(["--help"]).output.contains("benchmark-worker") == false)
    }
}
