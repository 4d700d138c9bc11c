import Distillation
import Foundation
import Quantization

extension ReportText {
    static func quantization(_ report: QuantizationReport) -> String {
        var lines: [String] = []
        if let data = report.data {
            lines += ["\(data.path) (\(report.after.examples) \(report.after.problemType.rowName)):", ""]
        }
        var table = TextTable("", "before", "after", "")
        let (before, after) = (report.before, report.after)
        for name in [MetricName.accuracy, .microF1, .macroF1, .pearson, .spearman] {
            guard let old = before.metrics[name], let new = after.metrics[name] else { continue }
            table.add(
                name.title(for: before.problemType), Format.percent(old), Format.percent(new),
                Format.points(new - old))
        }
        if let agreement = report.comparison?.agreement {
            table.add("agreement", "", Format.percent(agreement), "")
        }
        table.add(
            "weights on disk", Format.bytes(before.bytesOnDisk), Format.bytes(after.bytesOnDisk),
            Format.ratio(Double(after.bytesOnDisk) / Double(max(1, before.bytesOnDisk))))
        if let old = before.latencyP50Milliseconds, let new = after.latencyP50Milliseconds {
            table.add(
                "latency p50 (batch 1)", Format.milliseconds(old), Format.milliseconds(new),
                Format.ratio(new / max(old, 1e-9)))
        }
        lines += [table.text, ""]
        if let vocabulary = report.vocabulary {
            var text =
                "Vocabulary: \(vocabulary.tokensBefore) → \(vocabulary.tokensAfter) tokens; [UNK] "
                + "\(Format.percent(vocabulary.unknownRateBefore)) → \(Format.percent(vocabulary.unknownRateAfter))"
            if let before = vocabulary.evaluationUnknownRateBefore,
                let after = vocabulary.evaluationUnknownRateAfter
            {
                text += " (on the data above \(Format.percent(before)) → \(Format.percent(after)))"
            }
            lines += [text, ""]
        }
        let left = report.layers.filter { !$0.isQuantized }.map(\.name)
        if !left.isEmpty {
            lines += ["Left in floating point: \(left.joined(separator: ", "))", ""]
        }
        lines.append("Saved in \(report.output)")
        return lines.joined(separator: "\n")
    }
}
