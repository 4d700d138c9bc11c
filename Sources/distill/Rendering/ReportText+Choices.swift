import Distillation
import Foundation

extension ReportText {
    /// The answers to multiple-choice questions, task by task, and what the tasks say together.
    static func choices(_ evaluation: ChoiceEvaluation) -> String {
        let isTogether = evaluation.tasks.count > 1 || evaluation.summary.teacher != nil
        return (evaluation.tasks.map(task) + (isTogether ? [summary(evaluation)] : [])).joined(
            separator: "\n\n")
    }

    /// The means over tasks, and how much of its teacher's the model keeps.
    private static func summary(_ evaluation: ChoiceEvaluation) -> String {
        let summary = evaluation.summary
        var table =
            summary.teacher == nil
            ? TextTable("", "model")
            : TextTable(
                "", "teacher", "student", "difference", "95 % interval", "kept", "95 % interval",
                "above chance")
        let ways: [(String, KeyPath<ChoiceWays<Double>, Double>)] = [
            ("acc", \.acc), ("acc_norm", \.accNorm), ("acc_bytes", \.accBytes),
        ]
        let differences = summary.difference.map { [$0.acc, $0.accNorm, $0.accBytes] }
        let retentions = summary.retention.map { [$0.acc, $0.accNorm, $0.accBytes] }
        for (index, (title, way)) in ways.enumerated() {
            var cells = [title]
            if let teacher = summary.teacher { cells.append(Format.percent(teacher[keyPath: way])) }
            cells.append(Format.percent(summary.model[keyPath: way]))
            if let difference = differences?[index] {
                cells += [
                    Format.points(difference.difference),
                    "\(Format.points(difference.lower)) to \(Format.points(difference.upper))",
                ]
                let kept = retentions?[index]
                cells += [
                    kept.map { Format.percent($0.value) } ?? "–",
                    kept.map { "\(Format.percent($0.lower)) to \(Format.percent($0.upper))" } ?? "–",
                    kept?.aboveChance.map(Format.percent) ?? "–",
                ]
            }
            table.add(cells)
        }
        let count = evaluation.tasks.count
        return
            (count == 1 ? "What the student keeps" : "Mean of \(count) tasks")
            + " (\(Format.percent(summary.chance)) by chance):\n\n"
            + table.text
    }

    /// The answers to one file of questions, under lm-eval's names of the metrics.
    private static func task(_ report: ChoiceReport) -> String {
        let ways: [(String, (ChoiceScores) -> ChoiceAccuracy, PairedBootstrap?)] = [
            ("acc", { $0.acc }, report.difference?.acc),
            ("acc_norm (by characters)", { $0.accNorm }, report.difference?.accNorm),
            ("acc_bytes (by bytes)", { $0.accBytes }, report.difference?.accBytes),
        ]
        var table =
            report.teacher == nil
            ? TextTable("", "model", "95 % interval")
            : TextTable("", "teacher", "student", "95 % interval", "difference", "95 % interval")
        for (title, scores, difference) in ways {
            let own = scores(report.model)
            var cells = [title]
            if let teacher = report.teacher { cells.append(Format.percent(scores(teacher).value)) }
            cells += [Format.percent(own.value), "\(Format.percent(own.low)) to \(Format.percent(own.high))"]
            if let difference {
                cells += [
                    Format.points(difference.difference),
                    "\(Format.points(difference.lower)) to \(Format.points(difference.upper))",
                ]
            }
            table.add(cells)
        }
        var text =
            "\(report.data.path) (\(report.data.examples) \(report.data.examples == 1 ? "question" : "questions"); \(Format.percent(report.chance)) by chance):\n\n"
            + table.text
        if report.cutChoices > 0 {
            text +=
                "\n\n\(report.cutChoices) choices with their question were longer than the model reads; the question's beginning was "
                + "left out."
        }
        return text
    }
}
