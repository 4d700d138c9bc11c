import Foundation
import Torch
import Transformers

/// Evaluates logits against labels, and against a teacher's logits.
package enum Evaluator {
    static func metrics(_ logits: Logits, labels: [Int], labelNames: [String]) -> ClassificationMetrics {
        ClassificationMetrics(predictions: logits.predictions, labels: labels, classCount: labelNames.count)
    }

    /// The mean cross-entropy with the labels.
    static func hardLoss(_ logits: Logits, labels: [Int]) throws -> Double {
        try withNoGrad { try logits.tensor().crossEntropy(Tensor(labels)).item() }
    }

    /// KL(teacher ‖ student) at temperature 1, mean over the examples.
    static func kl(student: Logits, teacher: Logits) throws -> Double {
        try withNoGrad {
            try student.tensor().logSoftmax().klDivergenceBatchMean(logTarget: teacher.tensor().logSoftmax())
                .item()
        }
    }

    /// The fraction of examples on which both choose the same class.
    static func agreement(_ a: Logits, _ b: Logits) -> Double {
        Distillation.agreement(a.predictions, b.predictions)
    }

    /// A model's whole evaluation.
    ///
    /// - Parameters:
    ///   - model: Whose logits these are.
    ///   - logits: For all examples.
    ///   - targets: The labels of the same examples.
    ///   - teacher: The teacher's logits for them.
    ///   - bytesOnDisk: Of the weights' files.
    ///   - latency: Of single examples.
    package static func evaluation(
        _ model: TransformerModel, logits: Logits, targets: Targets, teacher: Logits? = nil,
        bytesOnDisk: Int, latency: LatencyStatistics?
    ) throws -> ModelEvaluation {
        let names = model.configuration.labelNames
        let values = try validation(logits, targets: targets, teacher: teacher)
        let labeled = targets.labeledIndices
        let byClass = targets.task.definition.byClass(
            logits.subset(labeled), targets.subset(labeled), names)
        return ModelEvaluation(
            problemType: targets.task, metrics: values, f1: byClass.f1, confusionMatrix: byClass.confusion,
            examples: labeled.count,
            parameters: model.parameters.elementCount, bytesOnDisk: bytesOnDisk,
            latencyP50Milliseconds: latency?.p50, latencyP95Milliseconds: latency?.p95)
    }

    /// The evaluation of outputs that no model here gave: without size and speed.
    static func evaluation(names: [String], logits: Logits, targets: Targets) throws -> ModelEvaluation {
        let labeled = targets.labeledIndices
        let byClass = targets.task.definition.byClass(
            logits.subset(labeled), targets.subset(labeled), names)
        return ModelEvaluation(
            problemType: targets.task, metrics: try validation(logits, targets: targets, teacher: nil),
            f1: byClass.f1, confusionMatrix: byClass.confusion, examples: labeled.count, parameters: 0,
            bytesOnDisk: 0)
    }

    /// What is known of a model where there are no labelled examples.
    package static func evaluation(
        _ model: TransformerModel, bytesOnDisk: Int, latency: LatencyStatistics?
    ) -> ModelEvaluation {
        ModelEvaluation(
            problemType: model.configuration.task, metrics: MetricValues(), examples: 0,
            parameters: model.parameters.elementCount, bytesOnDisk: bytesOnDisk,
            latencyP50Milliseconds: latency?.p50, latencyP95Milliseconds: latency?.p95)
    }

    /// A student beside its teacher.
    ///
    /// - Parameter targets: The labels of queries with documents, whose scores a teacher may give where a student gives vectors.
    package static func comparison(
        student: (logits: Logits, evaluation: ModelEvaluation),
        teacher: (logits: Logits, evaluation: ModelEvaluation), targets: Targets? = nil
    ) throws -> Comparison {
        var speed: Double?
        // A pair and a text are no like inputs.
        if teacher.evaluation.scoresPairs != true,
            let slow = teacher.evaluation.latencyP50Milliseconds,
            let fast = student.evaluation.latencyP50Milliseconds
        {
            speed = slow / max(fast, 1e-9)
        }
        let task = student.evaluation.problemType.definition
        let values =
            try targets.map { try task.compare(student: student.logits, teacher: teacher.logits, $0) }
            ?? task.outputs.compare(student: student.logits, teacher: teacher.logits)
        return Comparison(
            agreement: values[.agreement], kl: values[.kl], teacherMse: values[.teacherMSE],
            parameterRatio: Double(teacher.evaluation.parameters)
                / Double(max(1, student.evaluation.parameters)),
            sizeRatio: Double(teacher.evaluation.bytesOnDisk)
                / Double(max(1, student.evaluation.bytesOnDisk)),
            speedRatio: speed)
    }
}
