import Distillation
import Foundation
import Transformers

/// Reports as tables for a terminal.
enum ReportText {
    static func run(_ report: RunReport) -> String {
        var lines = [
            // Texts without scores are measured by the teacher alone.
            "On the validation data (\(report.student.examples > 0 ? report.student.examples : report.validation.examples) \(report.student.problemType.rowName)):",
            "",
            comparison(
                report.student, name: report.teacher == nil ? "model" : "student", teacher: report.teacher,
                report.comparison), "",
        ]
        for part in details(report) { lines += [part, ""] }
        let seconds = report.phases.reduce(0) { $0 + $1.seconds }
        let what = report.interrupted ? "Stopped early; the best model so far was saved" : "Saved"
        lines.append(
            "\(what) in \(report.output) (epoch \(String(format: "%.2f", report.bestEpoch)), "
                + "\(report.steps) steps, \(Format.duration(seconds)))")
        return lines.joined(separator: "\n")
    }

    static func label(_ report: LabelReport) -> String {
        let shard = report.shard.map { ", shard \($0)" } ?? ""
        guard let cached = report.cached, let computed = report.computed else {
            return "Stopped early; what was computed so far is kept in \(report.directory)"
        }
        return
            "\(report.data.path) (\(report.examples) examples\(shard)): \(computed) of the teacher's outputs computed, "
            + "\(cached) were there\n\(report.directory)" + (report.output.map { "\nScores: \($0)" } ?? "")
    }

    static func evaluation(_ report: EvaluationReport) -> String {
        let parts = [
            "\(report.data.path) (\(report.data.examples) \(report.problemType.exampleName)):",
            comparison(
                report.model, name: report.teacher == nil ? "model" : "student", teacher: report.teacher,
                report.comparison), perClass(report), confusion(report), report.choices.map(choices),
            report.retrieval.map(retrieval),
        ]
        return parts.compactMap(\.self).joined(separator: "\n\n")
    }

    /// A model, with its teacher before it where there is one.
    static func comparison(
        _ model: ModelEvaluation, name: String, teacher: ModelEvaluation?, _ comparison: Comparison?
    ) -> String {
        var table = teacher == nil ? TextTable("", name) : TextTable("", "teacher", name, "")
        func add(
            _ title: String, _ value: (ModelEvaluation) -> String?,
            _ beside: (ModelEvaluation) -> String? = { _ in nil }
        ) {
            guard let own = value(model) else { return }
            guard let teacher else { return table.add(title, own) }
            table.add(title, value(teacher) ?? "", own, beside(teacher) ?? "")
        }
        // What the comparison tells is told once.
        let told: [MetricName] = comparison == nil ? [] : [.agreement, .teacherMSE, .kl]
        // Beside other tokens than the teacher's, what is by bytes of text comes first.
        let hasOtherTokens = teacher != nil && comparison == nil && model.metrics[.bitsPerByte] != nil
        let byBytes: [MetricName] = hasOtherTokens ? [.bitsPerByte, .bytePerplexity] : []
        let shown = byBytes + model.problemType.shownMetrics.filter { !byBytes.contains($0) }
        for name in shown where !told.contains(name) {
            let isFraction = fractions.contains(name)
            add(
                name.title(for: model.problemType),
                { $0.metrics[name].map { isFraction ? Format.percent($0) : number($0) } },
                { teacher in
                    // Models without a comparison are measured on tokens of their own.
                    guard isFraction, comparison != nil, let own = model.metrics[name],
                        let other = teacher.metrics[name]
                    else { return nil }
                    return Format.points(own - other)
                })
        }
        if let comparison {
            if let agreement = comparison.agreement {
                table.add(
                    MetricName.agreement.title(for: model.problemType), "",
                    comparison.kl == nil ? String(format: "%.4f", agreement) : Format.percent(agreement), "")
            }
            if let kl = comparison.kl { table.add("KL to teacher", "", String(format: "%.4f", kl), "") }
            if let mse = comparison.teacherMse {
                table.add(
                    MetricName.teacherMSE.title(for: model.problemType), "", String(format: "%.4f", mse), "")
            }
        }
        for cells in sizes(model, teacher) { table.add(cells) }
        return table.text + (hasOtherTokens ? "\n\n" + otherTokens : "")
    }

    private static let otherTokens =
        "The teacher's tokenizer gives other tokens: what is by token, as perplexity and loss are, cannot be compared; bits per byte and "
        + "perplexity by byte can."

    /// A metric that is no fraction; a perplexity can be beyond all sizes.
    static func number(_ value: Double) -> String {
        String(format: abs(value) < 1e7 ? "%.4f" : "%.4g", value)
    }

    /// Metrics shown in percent.
    private static let fractions: Set<MetricName> = [.accuracy, .macroF1, .microF1, .precision, .recall, .f1]

    /// Returns true for a metric of a baseline's comparison that is shown in percent.
    static func isFraction(_ metric: MetricName, _ type: TaskIdentifier) -> Bool {
        guard metric == .agreement else { return fractions.contains(metric) || metric == .entityAgreement }
        // Of numbers it is a correlation, of vectors a cosine.
        return switch type.outputs {
        case .softmax, .sigmoid, .tokens: true
        case .real, .vector: false
        }
    }

    private static func perClass(_ report: EvaluationReport) -> String? {
        guard let scores = report.model.f1 else { return nil }
        var table = report.teacher == nil ? TextTable("F1", "model") : TextTable("F1", "teacher", "student")
        for (index, score) in scores.enumerated() {
            var cells = [score.label]
            if let teacher = report.teacher {
                cells.append(teacher.f1.map { Format.percent($0[index].value) } ?? "")
            }
            table.add(cells + [Format.percent(score.value)])
        }
        return table.text
    }

    private static func confusion(_ report: EvaluationReport) -> String? {
        guard let matrix = report.model.confusionMatrix else { return nil }
        guard report.labels.count <= 12 else {
            return "(\(report.labels.count) classes: the confusion matrix is in --json)"
        }
        var table = TextTable(header: ["true ╲ predicted"] + report.labels)
        for (label, row) in zip(report.labels, matrix) {
            table.add([label] + row.map(String.init))
        }
        return table.text
    }
}
