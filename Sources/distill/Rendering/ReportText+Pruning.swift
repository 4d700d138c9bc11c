import Deployment
import Distillation
import Foundation
import Transformers

extension ReportText {
    static func pruning(_ report: PruneReport) -> String {
        let measure = report.measure == .kl ? "KL before training" : "squared difference before training"
        let texts = report.validation?.path ?? "a part of \(report.data.path)"
        var lines = ["\(texts):", ""]
        var table = TextTable(
            "", "layers", "hidden", "intermediate", "heads", "parameters", measure, "agreement")
        func row(
            _ name: String, _ shape: ModelShape, _ parameters: Int, _ distance: Double, _ agreement: Double
        ) {
            table.add(
                [name] + cells(shape, parameters) + [divergence(distance), Format.percent(agreement)])
        }
        row("the model", report.before.shape, report.before.parameters, 0, 1)
        if let even = report.evenLayers {
            row("evenly chosen layers", even.shape, even.parameters, even.distance, even.agreement)
        }
        row("pruned", report.after.shape, report.after.parameters, report.distance, report.agreement)
        lines += [table.text, ""]
        lines += cuts(report)
        if let latency = report.targetLatency { lines += [time(latency), ""] }
        if !report.trials.isEmpty {
            lines += ["On a part of \(report.data.path):", "", tried(report.trials, measure), ""]
        }
        lines.append("Saved in \(report.output)")
        return lines.joined(separator: "\n")
    }

    /// What a text takes, and whether that is the target.
    private static func time(_ latency: PruneReport.Latency) -> String {
        let takes =
            "A text of \(Format.count(latency.textTokens, "token")) alone takes \(Format.milliseconds(latency.milliseconds)), the model "
            + "\(Format.milliseconds(latency.modelMilliseconds)): \(Format.percent(latency.ratio))"
        return takes + ", and --target-latency \(latency.target) is \(latency.isMet ? "met" : "NOT met")"
    }

    /// The table of the shapes that a search tried.
    private static func tried(_ trials: [PruneReport.Trial], _ measure: String) -> String {
        let isTimed = trials.contains { $0.latencyRatio != nil }
        var titles = [
            "tried", "layers", "hidden", "intermediate", "heads", "parameters", measure, "agreement",
        ]
        if isTimed { titles.append("time of the model's") }
        var table = TextTable(header: titles)
        for (number, trial) in trials.enumerated() {
            var row = ["\(number + 1)"] + cells(trial.shape, trial.parameters)
            row += [divergence(trial.distance), Format.percent(trial.agreement)]
            if isTimed { row.append(trial.latencyRatio.map { Format.percent($0) } ?? "") }
            table.add(row)
        }
        return table.text
    }

    private static func cells(_ shape: ModelShape, _ parameters: Int) -> [String] {
        let heads =
            shape.keyValueHeads == shape.attentionHeads
            ? "\(shape.attentionHeads)" : "\(shape.attentionHeads)/\(shape.keyValueHeads)"
        return [
            "\(shape.layers)", "\(shape.hiddenSize)", "\(shape.intermediateSize)", heads,
            String(format: "%.1fM", Double(parameters) / 1e6),
        ]
    }

    private static func divergence(_ value: Double) -> String {
        value < 0.001 && value > 0 ? String(format: "%.1e", value) : String(format: "%.3f", value)
    }

    /// What went.
    private static func cuts(_ report: PruneReport) -> [String] {
        let (before, after) = (report.before.shape, report.after.shape)
        var lines: [String] = []
        if after.layers < before.layers {
            let kept = Set(report.layers)
            let gone = (0..<before.layers).filter { !kept.contains($0) }
            lines.append("Layers that went: \(gone.map(String.init).joined(separator: ", "))")
        }
        for (name, old, new) in [
            ("Feed-forward neurons of each layer", before.intermediateSize, after.intermediateSize),
            ("Heads of each layer", before.attentionHeads, after.attentionHeads),
            ("Hidden dimensions", before.hiddenSize, after.hiddenSize),
        ] where new < old {
            lines.append("\(name) that went: \(old - new) of \(old)")
        }
        return lines.isEmpty ? [] : lines + [""]
    }
}
