import Distillation
import Foundation

extension ReportText {
    /// The answers to multiple-choice questions, under lm-eval's names of the metrics.
    static func choices(_ report: ChoiceReport) -> String {
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
            "\(report.data.path) (\(report.data.examples) questions; \(Format.percent(report.chance)) by chance):\n\n"
            + table.text
        if report.cutChoices > 0 {
            text +=
                "\n\n\(report.cutChoices) choices with their question were longer than the model reads; the question's beginning was "
                + "left out."
        }
        return text
    }
}
