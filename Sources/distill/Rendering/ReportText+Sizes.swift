import Distillation
import Foundation

/// Sizes and times in the table of a model with its teacher.
extension ReportText {
    /// The rows' cells: with a teacher, its value first and the ratio of both last.
    static func sizes(_ model: ModelEvaluation, _ teacher: ModelEvaluation?) -> [[String]] {
        var rows: [[String]] = []
        func add(_ title: String, _ own: String, _ theirs: String, _ ratio: String) {
            rows.append(teacher == nil ? [title, own] : [title, theirs, own, ratio])
        }
        // A teacher that is known by its scores has no size.
        func size(_ evaluation: ModelEvaluation?, _ text: (ModelEvaluation) -> String) -> String {
            guard let evaluation, evaluation.parameters > 0 else { return "" }
            return text(evaluation)
        }
        add(
            "parameters", size(model) { Format.count($0.parameters) },
            size(teacher) { Format.count($0.parameters) },
            size(teacher) {
                Format.ratio(
                    Double($0.parameters) / Double(max(1, model.parameters)), above: "fewer", below: "more")
            })
        add(
            "weights on disk", size(model) { Format.bytes($0.bytesOnDisk) },
            size(teacher) { Format.bytes($0.bytesOnDisk) },
            size(teacher) {
                Format.ratio(
                    Double($0.bytesOnDisk) / Double(max(1, model.bytesOnDisk)), above: "smaller",
                    below: "larger")
            })
        let readsPairs = teacher?.scoresPairs == true
        func time(_ milliseconds: Double?, _ unit: String) -> String {
            milliseconds.map { Format.milliseconds($0) + (readsPairs ? " a \(unit)" : "") } ?? ""
        }
        if let own = model.latencyP50Milliseconds {
            var ratio = ""
            // Times of a pair and of a text are not compared.
            if let theirs = teacher?.latencyP50Milliseconds, !readsPairs {
                ratio = Format.ratio(theirs / max(own, 1e-9), above: "faster", below: "slower")
            }
            add(
                "latency p50 (batch 1)", time(own, "text"), time(teacher?.latencyP50Milliseconds, "pair"),
                ratio)
        }
        if let own = model.latencyP95Milliseconds {
            add("latency p95", time(own, "text"), time(teacher?.latencyP95Milliseconds, "pair"), "")
        }
        return rows
    }
}
