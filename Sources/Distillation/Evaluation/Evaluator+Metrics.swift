import Torch
import Transformers

extension Evaluator {
    /// All metrics of a model's predictions.
    ///
    /// Metrics that need labels are computed on the rows that have one, and left out where there are none.
    ///
    /// - Parameters:
    ///   - logits: The model's, for all rows.
    ///   - targets: The labels of the same rows.
    ///   - teacher: The teacher's logits for them.
    package static func validation(
        _ logits: Logits, targets: Targets, teacher: Logits? = nil
    ) throws -> MetricValues {
        let task = targets.task.definition
        let labeled = targets.labeledIndices
        var values = MetricValues()
        if !labeled.isEmpty {
            values = try task.metrics(logits.subset(labeled), targets.subset(labeled))
        }
        for (name, value) in try task.unlabeledMetrics(logits, targets).entries { values[name] = value }
        values[.entropy] = logits.meanEntropy(task.outputs)
        if let teacher {
            let beside = try task.compare(student: logits, teacher: teacher, targets)
            for (name, value) in beside.entries { values[name] = value }
        }
        return values
    }
}
