import Benchmarking
import Distillation
import Foundation

/// The benchmark of language models.
extension BenchmarkText {
    static func report(_ report: GenerationBenchmarkReport) -> String {
        let settings = report.settings
        let machine =
            "\(report.machine.processor), \(settings.threads) threads, \(report.machine.capability), \(settings.precision)"
        var models = TextTable("model", "parameters", "on disk", "memory", "load")
        for model in report.models {
            models.add(
                model.name, Format.count(model.parameters), Format.bytes(model.weightBytes),
                Format.bytes(model.peakMemoryBytes), Format.milliseconds(model.loadMilliseconds))
        }
        let idle = report.models.map(\.idleCpuShare).max() ?? 0
        let method = """
            Prefill: from the prompts' ids to each text's first token. Decode: the tokens after it, of all texts together. \
            \(settings.rounds) rounds in rotating order after a warm-up, medians of all passes. Speed: times as fast as \
            \(report.models.first?.name ?? "the first"), the median of the rounds. Memory: the largest resident size of the \
            model's own process. Idle models used at most \(String(format: "%.1f %%", idle * 100)) of a core.
            """
        return [machine, models.text, speeds(report), method].joined(separator: "\n\n")
    }

    private static func speeds(_ report: GenerationBenchmarkReport) -> String {
        var table = TextTable(
            "texts × prompt + new, model", "prefill tokens/s", "speed", "first token", "decode tokens/s",
            "speed", "each text", "rounds differ by")
        for cell in report.cells {
            for (model, result) in zip(report.models, cell.results) {
                table.add(
                    "\(cell.batch) × \(cell.promptTokens) + \(cell.newTokens)  \(model.name)",
                    rate(result.prefillTokensPerSecond), Format.ratio(result.prefillSpeedup.median),
                    Format.milliseconds(result.prefill.p50Milliseconds),
                    rate(result.decodeTokensPerSecond), Format.ratio(result.decodeSpeedup.median),
                    rate(result.decodeTokensPerSecond / Double(cell.batch)) + "/s",
                    Format.percent(max(result.prefill.roundSpread, result.decode.roundSpread)))
            }
        }
        return table.text
    }
}
