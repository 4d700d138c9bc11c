import Foundation
import Torch
import Transformers

/// Judges logits against labels, and against a teacher's logits.
enum Evaluator {
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

    /// The share of examples on which both choose the same class.
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
    static func evaluation(
        _ model: any SequenceClassifier, logits: Logits, targets: Targets, teacher: Logits? = nil,
        bytesOnDisk: Int, latency: LatencyStatistics?
    ) throws -> ModelEvaluation {
        let names = model.configuration.labelNames
        let values = try validation(logits, targets: targets, teacher: teacher)
        let labelled = targets.labelledIndices
        let own = logits.subset(labelled)
        var (f1, confusion): ([Double]?, [[Int]]?)
        switch targets.subset(labelled) {
        case .classes(let classes, _):
            let metrics = metrics(own, labels: classes, labelNames: names)
            f1 = metrics.f1
            confusion = metrics.confusionMatrix.isEmpty ? nil : metrics.confusionMatrix
        case .sets(let sets, _):
            let metrics = MultiLabelMetrics(
                predictions: own.labelSets(), labels: sets.map { $0 ?? [] }, classCount: names.count)
            f1 = metrics.f1
        case .values: break
        }
        return ModelEvaluation(
            problemType: targets.problemType, metrics: values,
            f1: f1.map { f1 in zip(names, f1).map { LabelScore(label: $0, value: $1) } },
            confusionMatrix: confusion, examples: labelled.count,
            parameters: model.parameters.elementCount, bytesOnDisk: bytesOnDisk,
            latencyP50Milliseconds: latency?.p50, latencyP95Milliseconds: latency?.p95)
    }

    static func comparison(
        student: (logits: Logits, evaluation: ModelEvaluation),
        teacher: (logits: Logits, evaluation: ModelEvaluation)
    ) throws -> Comparison {
        var speed: Double?
        if let slow = teacher.evaluation.latencyP50Milliseconds,
            let fast = student.evaluation.latencyP50Milliseconds
        {
            speed = slow / max(fast, 1e-9)
        }
        let values = try besideTeacher(student.logits, teacher.logits, student.evaluation.problemType)
        return Comparison(
            agreement: values[.agreement] ?? 0, kl: values[.kl], teacherMse: values[.teacherMSE],
            parameterRatio: Double(teacher.evaluation.parameters)
                / Double(max(1, student.evaluation.parameters)),
            sizeRatio: Double(teacher.evaluation.bytesOnDisk)
                / Double(max(1, student.evaluation.bytesOnDisk)),
            speedRatio: speed)
    }
}
