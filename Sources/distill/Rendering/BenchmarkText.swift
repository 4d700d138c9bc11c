import Benchmarking
import Distillation
import Foundation
import Torch

/// A benchmark's report as tables for a terminal.
enum BenchmarkText {
    static func report(_ report: BenchmarkReport) -> String {
        let parts = [
            machine(report), models(report), timings(report), report.bulk.map { bulk($0, report) },
            costs(report),
            method(report),
        ]
        return parts.compactMap(\.self).joined(separator: "\n\n")
    }

    private static func machine(_ report: BenchmarkReport) -> String {
        let settings = report.settings
        let machine =
            "\(report.machine.processor), \(settings.threads) threads, \(report.machine.capability)"
        return [machine, report.machine.gigaflops.map(speeds)].compactMap(\.self).joined(separator: "\n\n")
    }

    /// The speed at which this machine computes a layer by each way, and what follows for `--precision auto`.
    private static func speeds(_ gigaflops: [String: Double]) -> String {
        let measured = Calibration(
            gigaflops: Dictionary(
                uniqueKeysWithValues: gigaflops.compactMap { name, speed in
                    Calibration.Way(rawValue: name).map { ($0, speed) }
                }))
        var table = TextTable("a layer, 10⁹ operations/s", "own kernels", "libtorch", "taken")
        for dtype in [DType.float32, .bfloat16, .int8] {
            let ways = ["kernels", "libtorch"].map { gigaflops["\($0)_\(dtype)"] }
            table.add(
                ["\(dtype)"] + ways.map { $0.map { String(format: "%.0f", $0) } ?? "–" }
                    + [measured.prefersKernels(for: dtype) ? "own kernels" : "libtorch"])
        }
        let precision = measured.prefersBFloat16 ? "bfloat16" : "float32"
        return table.text + "\n--precision auto trains in \(precision)"
            + (measured.prefersInt8 ? "" : "; int8 is not clearly faster than float32 here")
    }

    private static func models(_ report: BenchmarkReport) -> String {
        let metric = report.models.lazy.compactMap { BenchmarkReport.taskMetric($0)?.name }.first
        let hasMetric = metric != nil
        let agrees = report.models.contains { $0.agreement != nil }
        var header = ["model", "runtime", "parameters", "on disk", "memory", "load"]
        if let metric { header.append(metric.rawValue.replacing("_", with: " ")) }
        if agrees { header.append("same prediction") }
        var table = TextTable(header: header)
        for model in report.models {
            var cells = [
                model.name, model.runtime.split(separator: ",").first.map(String.init) ?? model.runtime,
                model.parameters.map(Format.count) ?? "–", Format.bytes(model.weightBytes),
                Format.bytes(model.peakMemoryBytes), Format.milliseconds(model.loadMilliseconds),
            ]
            if hasMetric {
                cells.append(
                    BenchmarkReport.taskMetric(model).map { name, value in
                        name == .pearson ? String(format: "%.4f", value) : Format.percent(value)
                    } ?? "–")
            }
            if agrees { cells.append(model.agreement.map(Format.percent) ?? "–") }
            table.add(cells)
        }
        return table.text
    }

    private static func timings(_ report: BenchmarkReport) -> String {
        var table = TextTable(
            "batch × length, model", "p50", "p95", "p99", "sentences/s", "speed", "rounds differ by")
        for cell in report.cells {
            for (model, result) in zip(report.models, cell.results) {
                let timing = result.timing
                table.add(
                    "\(cell.batch) × \(cell.length)  \(model.name)" + (result.isWarmUpStable ? "" : " *"),
                    Format.milliseconds(timing.p50Milliseconds), Format.milliseconds(timing.p95Milliseconds),
                    Format.milliseconds(timing.p99Milliseconds), rate(result.sentencesPerSecond),
                    Format.ratio(result.speedup.median), variation(timing))
            }
        }
        let isStable = report.cells.allSatisfy { $0.results.allSatisfy(\.isWarmUpStable) }
        return table.text + (isStable ? "" : "\n* its times did not become stable while it was warmed up")
    }

    private static func bulk(_ bulk: BenchmarkReport.Bulk, _ report: BenchmarkReport) -> String {
        var table = TextTable(
            "\(bulk.sentences) texts of the data", "time", "sentences/s", "speed", "tokens a text",
            "rounds differ by")
        for (model, result) in zip(report.models, bulk.results) {
            table.add(
                model.name, Format.milliseconds(result.timing.p50Milliseconds),
                rate(result.sentencesPerSecond),
                Format.ratio(result.speedup.median), String(format: "%.1f", result.meanLength),
                variation(result.timing))
        }
        return table.text
    }

    private static func costs(_ report: BenchmarkReport) -> String? {
        guard let lengths = report.models.lazy.compactMap(\.multiplyAdds).first?.map(\.length) else {
            return nil
        }
        var table = TextTable(header: ["multiply-adds a sentence of"] + lengths.map { "\($0) tokens" })
        for model in report.models {
            let costs = model.multiplyAdds
            let isOurs = model.runtime.hasPrefix("distill")
            table.add(
                [model.name]
                    + lengths.indices.map { index in
                        costs.map { Format.count(isOurs ? $0[index].needed : $0[index].full) } ?? "–"
                    })
        }
        return table.text
    }

    private static func method(_ report: BenchmarkReport) -> String {
        let settings = report.settings
        let idle = report.models.map(\.idleCpuShare).max() ?? 0
        let samples = report.cells.flatMap { $0.results.map(\.timing.samples) }.min() ?? 0
        return """
            From token ids to logits. \(settings.rounds) rounds in rotating order after a warm-up, each turn after a pause of \
            \(Int(settings.pauseMilliseconds)) ms; percentiles over all rounds (at least \(samples) forward passes). Speed: times as fast \
            as \(report.models.first?.name ?? "the first"), the median of the rounds. Memory: the largest resident size of the \
            model's own process. Load: to the first logits. Idle models used at most \
            \(String(format: "%.1f %%", idle * 100)) of a core.
            """
    }

    static func rate(_ value: Double) -> String {
        value >= 100 ? Format.count(Int(value.rounded())) : String(format: "%.1f", value)
    }

    private static func variation(_ timing: TimingSummary) -> String { Format.percent(timing.roundSpread) }
}
