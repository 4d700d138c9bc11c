import Distillation
import Foundation
import Transformers

/// The improvement over the baseline without a teacher, the test data, and the standard deviation over seeds.
extension ReportText {
    /// The parts of a run's report below its first table.
    static func details(_ report: RunReport) -> [String] {
        var parts: [String] = []
        if let gain = report.gain { parts.append(text(gain, "the validation data")) }
        if let test = report.test {
            parts.append(
                "On the test data (\(test.student.examples) \(test.student.problemType.rowName)):\n\n"
                    + comparison(test.student, name: "student", teacher: test.teacher, test.comparison))
            if let gain = test.gain { parts.append(text(gain, "the test data")) }
        }
        if let seeds = report.seeds { parts.append(text(seeds, onTest: report.test != nil)) }
        return parts
    }

    private static func value(_ value: Double, _ metric: MetricName) -> String {
        metric == .pearson ? String(format: "%.4f", value) : Format.percent(value)
    }

    private static func difference(_ value: Double, _ metric: MetricName) -> String {
        metric == .pearson ? String(format: "%+.4f", value) : Format.points(value)
    }

    private static func text(_ gain: BaselineComparison, _ data: String) -> String {
        let metric = gain.metric
        let sure = gain.low > 0 ? "" : ", which may be chance"
        return "Without the teacher the same student reaches \(value(gain.baseline, metric)) "
            + "(\(metric.title) on \(data)): the teacher improves this by "
            + "\(difference(gain.difference, metric))\(sure) "
            + "(95 % interval \(difference(gain.low, metric)) to \(difference(gain.high, metric)), "
            + String(format: "p = %.3f).", gain.pValue)
    }

    private static func text(_ seeds: SeedSummary, onTest: Bool) -> String {
        let metric = seeds.student.metric
        func cells(_ statistics: SeedSummary.Spread?) -> String {
            statistics.map { value($0.mean, metric) + " ± " + deviation($0.standardDeviation, metric) } ?? ""
        }
        let hasBaseline = seeds.baseline != nil
        var table =
            hasBaseline
            ? TextTable("seed", "student", "baseline", "improvement") : TextTable("seed", "student")
        for run in seeds.runs {
            let name = "\(run.seed)" + (run.seed == seeds.saved ? " (saved)" : "")
            var row = [name, run.student[metric].map { value($0, metric) } ?? ""]
            if hasBaseline {
                row.append(run.baseline?[metric].map { value($0, metric) } ?? "")
                row.append(run.gain.map { difference($0.difference, metric) } ?? "")
            }
            table.add(row)
        }
        var last = ["mean ± standard deviation", cells(seeds.student)]
        if hasBaseline {
            last.append(cells(seeds.baseline))
            last.append(
                seeds.gain.map {
                    difference($0.mean, metric) + " ± " + deviation($0.standardDeviation, metric)
                } ?? "")
        }
        table.add(last)
        return "\(seeds.runs.count) seeds, \(metric.title) on the "
            + "\(onTest ? "test" : "validation") data:\n\n" + table.text
    }

    private static func deviation(_ value: Double, _ metric: MetricName) -> String {
        metric == .pearson ? String(format: "%.4f", value) : String(format: "%.2f", value * 100)
    }
}
