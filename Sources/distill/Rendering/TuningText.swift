import Distillation
import Foundation
import Tuning

/// A search as text for a terminal.
enum TuningText {
    /// The ranking as a table, the best first, and where things are.
    ///
    /// - Parameters:
    ///   - report: The results.
    ///   - limit: How many trials to show at most.
    static func report(_ report: TuningReport, limit: Int = 20) -> String {
        var lines = [heading(report), "", table(report, limit: limit)]
        if report.trials.count > limit {
            lines.append("… and \(report.trials.count - limit) more trials")
        }
        for trial in report.trials.prefix(limit) {
            if let error = trial.error { lines.append("trial \(trial.trial + 1) failed: \(error)") }
        }
        lines.append("")
        if let best = report.bestTrial, let mean = best.mean {
            let deviation = best.standardDeviation.map { " ± " + TuningReport.text($0) } ?? ""
            let fraction = best.budget < 1 ? " (with \(budget(best.budget)) of the training)" : ""
            lines.append(
                "Best: \(settings(best.settings, report.names)): "
                    + "\(report.metric.name) \(TuningReport.text(mean))\(deviation)\(fraction)")
        } else {
            lines.append("No trial was finished.")
        }
        let kept = report.runsFromJournal > 0 ? ", \(report.runsFromJournal) of them from before" : ""
        let what = report.interrupted ? "Stopped early after" : "Searched with"
        lines.append("\(what) \(report.runs) runs\(kept) (\(Format.duration(report.seconds)))")
        return lines.joined(separator: "\n")
    }

    private static func heading(_ report: TuningReport) -> String {
        let folds = report.folds > 1 ? "mean over \(report.folds) folds" : "one validation set"
        let better = report.metric.direction == .maximize ? "more is better" : "less is better"
        return "\(report.metric.name) (\(folds); \(better)), \(report.strategy.name) search:"
    }

    private static func table(_ report: TuningReport, limit: Int) -> String {
        let hasBudgets = report.trials.contains { $0.budget < 1 }
        let hasDeviations = report.folds > 1
        var header = ["rank"] + report.names + [report.metric.name]
        if hasDeviations { header.append("±") }
        if hasBudgets { header.append("budget") }
        var table = TextTable(header: header + ["time"])
        for trial in report.trials.prefix(limit) {
            var cells = [trial.state == .finished ? "\(trial.rank)" : "–"]
            cells += report.names.map { trial.settings[$0] ?? "" }
            cells.append(trial.mean.map(TuningReport.text) ?? trial.state.rawValue)
            if hasDeviations { cells.append(trial.standardDeviation.map(TuningReport.text) ?? "") }
            if hasBudgets { cells.append(budget(trial.budget)) }
            table.add(cells + [Format.duration(trial.seconds)])
        }
        return table.text
    }

    /// An event as a line; `nil` for those that have none.
    static func line(_ event: TuningEvent, names: [String], folds: Int, metric: String) -> String? {
        switch event {
        case .started(let trials, let runs, let kept):
            let rest = kept > 0 ? "; \(kept) runs are done already" : ""
            return "\(trials) trials, \(runs) runs at most\(rest)"
        case .rungStarted(let rung, let count, let trials, let fraction):
            return count > 1
                ? "round \(rung + 1)/\(count): \(trials) trials with \(budget(fraction)) of the training"
                : nil
        case .runStarted, .run: return nil
        case .runFinished(let record, let completed, let total):
            let outcome =
                record.metric.map { "\(metric) \(TuningReport.text($0))" } ?? "failed: \(record.error ?? "")"
            let fold = folds > 1 ? "  fold \(record.fold + 1)/\(folds)" : ""
            return
                "[\(completed)/\(total)] \(settings(record.settings, names))\(fold)  \(outcome)"
                + "  \(Format.duration(record.seconds))"
                + (record.examplesPerSecond.map { "  \(ProgressBar.rate($0))" } ?? "")
        case .warning(let text): return "WARNING: \(text)"
        }
    }

    /// "temperature 4, alpha 0.5".
    static func settings(_ settings: [String: String], _ names: [String]) -> String {
        names.compactMap { name in settings[name].map { "\(name) \($0)" } }.joined(separator: ", ")
    }

    private static func budget(_ fraction: Double) -> String { String(format: "%.3g %%", fraction * 100) }
}
