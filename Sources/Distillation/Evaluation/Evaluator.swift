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

    static func evaluation(
        _ model: any SequenceClassifier, logits: Logits, labels: [Int], bytesOnDisk: Int,
        latency: LatencyStatistics?
    ) throws -> ModelEvaluation {
        let names = model.configuration.labelNames
        let metrics = metrics(logits, labels: labels, labelNames: names)
        return ModelEvaluation(
            accuracy: metrics.accuracy, macroF1: metrics.macroF1,
            f1: zip(names, metrics.f1).map { LabelScore(label: $0, value: $1) },
            matthewsCorrelation: metrics.matthewsCorrelation, confusionMatrix: metrics.confusionMatrix,
            hardLoss: try hardLoss(logits, labels: labels), examples: labels.count,
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
        return Comparison(
            agreement: agreement(student.logits, teacher.logits),
            kl: try kl(student: student.logits, teacher: teacher.logits),
            parameterRatio: Double(teacher.evaluation.parameters)
                / Double(max(1, student.evaluation.parameters)),
            sizeRatio: Double(teacher.evaluation.bytesOnDisk)
                / Double(max(1, student.evaluation.bytesOnDisk)),
            speedRatio: speed)
    }
}

/// The size of a model directory's weights.
func weightBytes(in directory: URL) -> Int {
    let files =
        (try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)) ?? []
    return files.filter { $0.pathExtension == "safetensors" }.reduce(0) { sum, file in
        let attributes = try? FileManager.default.attributesOfItem(
            atPath: file.resolvingSymlinksInPath().path)
        return sum + ((attributes?[.size] as? Int) ?? 0)
    }
}
