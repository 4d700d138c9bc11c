import Distillation
import Foundation
import Transformers

/// The improvement over the baseline without a teacher, the test data, and the standard deviation over seeds.
extension ReportText {
    /// The parts of a run's report below its first table.
    static func details(_ report: RunReport) -> [String] {
        var parts: [String] = []
        let type = report.student.problemType
        if let gain = report.gain { parts.append(text(gain, "the validation data", type)) }
        parts += [embedding(report), report.retrieval.map(retrieval)].compactMap(\.self)
        if let test = report.test {
            parts.append(
                "On the test data (\(test.student.examples) \(test.student.problemType.rowName)):\n\n"
                    + comparison(test.student, name: "student", teacher: test.teacher, test.comparison))
            if let gain = test.gain { parts.append(text(gain, "the test data", type)) }
        }
        if let seeds = report.seeds { parts.append(text(seeds, onTest: report.test != nil, type)) }
        return parts
    }

    private static func value(_ value: Double, _ metric: MetricName, _ type: TaskIdentifier) -> String {
        isFraction(metric, type) ? Format.percent(value) : number(value)
    }

    private static func difference(_ value: Double, _ metric: MetricName, _ type: TaskIdentifier) -> String {
        isFraction(metric, type) ? Format.points(value) : (value < 0 ? "" : "+") + number(value)
    }

    static func text(_ gain: BaselineComparison, _ data: String, _ type: TaskIdentifier) -> String {
        let metric = gain.metric
        func value(_ number: Double) -> String { self.value(number, metric, type) }
        func difference(_ number: Double) -> String { self.difference(number, metric, type) }
        guard metric.greaterIsBetter else { return lowered(gain, data, type) }
        let sure = gain.low > 0 && gain.pValue < 0.05 ? "" : ", which may be chance"
        return "Without the teacher the same student reaches \(value(gain.baseline)) "
            + "(\(metric.title) on \(data)): the teacher improves this by "
            + "\(difference(gain.difference))\(sure) "
            + "(95 % interval \(difference(gain.low)) to \(difference(gain.high)), "
            + "\(Format.probability(gain.pValue)))."
    }

    /// The sentence for a metric of which less is better, and a table of all measures.
    private static func lowered(
        _ gain: BaselineComparison, _ data: String, _ type: TaskIdentifier
    ) -> String {
        let metric = gain.metric
        func value(_ number: Double) -> String { self.value(number, metric, type) }
        let isWorse = gain.difference < 0
        // By how much the teacher lowers it, or raises it.
        let bounds = isWorse ? (-gain.high, -gain.low) : (gain.low, gain.high)
        let sure = bounds.0 > 0 && gain.pValue < 0.05 ? "" : ", which may be chance"
        let sentence =
            "Without the teacher the same student's \(metric.title) is \(value(gain.baseline)) on \(data) (less is "
            + "better): the teacher \(isWorse ? "raises" : "lowers") this by "
            + "\(value(abs(gain.difference)))\(sure) "
            + "(95 % interval \(value(bounds.0)) to \(value(bounds.1)), "
            + "\(Format.probability(gain.pValue)))."
        guard gain.others != nil else { return sentence }
        var table = TextTable("", "student", "without teacher", "better by", "95 % interval")
        for measure in gain.all { table.add(row(measure, type)) }
        return sentence + "\n\n" + table.text
    }

    /// A measure's row in the table of all.
    private static func row(_ measure: BaselineComparison, _ type: TaskIdentifier) -> [String] {
        let metric = measure.metric
        let bounds = [measure.low, measure.high].map { difference($0, metric, type) }
        return [
            comparedTitle(metric, type), value(measure.student, metric, type),
            value(measure.baseline, metric, type), difference(measure.difference, metric, type),
            bounds.joined(separator: " to "),
        ]
    }

    /// A metric's title with the direction that is not obvious.
    private static func comparedTitle(_ metric: MetricName, _ type: TaskIdentifier) -> String {
        metric.title(for: type) + (metric.greaterIsBetter ? "" : " (less is better)")
    }

    private static func text(_ seeds: SeedSummary, onTest: Bool, _ type: TaskIdentifier) -> String {
        let metric = seeds.student.metric
        func value(_ number: Double) -> String { self.value(number, metric, type) }
        func difference(_ number: Double) -> String { self.difference(number, metric, type) }
        func deviation(_ number: Double) -> String { self.deviation(number, metric, type) }
        func cells(_ statistics: SeedSummary.Spread?) -> String {
            statistics.map { value($0.mean) + " ± " + deviation($0.standardDeviation) } ?? ""
        }
        let hasBaseline = seeds.baseline != nil
        var table =
            hasBaseline
            ? TextTable("seed", "student", "baseline", "improvement") : TextTable("seed", "student")
        for run in seeds.runs {
            let name = "\(run.seed)" + (run.seed == seeds.saved ? " (saved)" : "")
            var row = [name, run.student[metric].map { value($0) } ?? ""]
            if hasBaseline {
                row.append(run.baseline?[metric].map { value($0) } ?? "")
                row.append(run.gain.map { difference($0.difference) } ?? "")
            }
            table.add(row)
        }
        var last = ["mean ± standard deviation", cells(seeds.student)]
        if hasBaseline {
            last.append(cells(seeds.baseline))
            last.append(
                seeds.gain.map {
                    difference($0.mean) + " ± " + deviation($0.standardDeviation)
                } ?? "")
        }
        table.add(last)
        let data = onTest ? "test" : "validation"
        let title = metric.greaterIsBetter ? metric.title : comparedTitle(metric, type)
        return
            (["\(seeds.runs.count) seeds, \(title) on the \(data) data:\n\n" + table.text]
            + (seeds.others ?? []).map { line($0, data, type) }).joined(separator: "\n\n")
    }

    /// A further measure over the seeds.
    private static func line(
        _ measure: SeedSummary.Measure, _ data: String, _ type: TaskIdentifier
    ) -> String {
        let metric = measure.student.metric
        func cell(
            _ spread: SeedSummary.Spread?, _ text: (Double, MetricName, TaskIdentifier) -> String
        ) -> String? {
            spread.map {
                text($0.mean, metric, type) + " ± " + deviation($0.standardDeviation, metric, type)
            }
        }
        let beside = [
            cell(measure.baseline, value).map { "without the teacher " + $0 },
            cell(measure.gain, difference).map { "better by " + $0 },
        ].compactMap(\.self)
        return "\(comparedTitle(metric, type)) on the \(data) data: \(cell(measure.student, value) ?? "")"
            + (beside.isEmpty ? "." : " (\(beside.joined(separator: ", "))).")
    }

    private static func deviation(_ value: Double, _ metric: MetricName, _ type: TaskIdentifier) -> String {
        isFraction(metric, type) ? String(format: "%.2f", value * 100) : number(value)
    }
}
