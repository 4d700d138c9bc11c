import Foundation
import Transformers

/// Judges the model before and after.
struct QuantizationJudge {
    let request: QuantizeRequest
    let log: RunLog
    let shouldStop: () -> Bool

    /// A model's answers to all examples; `nil` without data.
    func logits(
        _ model: any SequenceClassifier, _ dataset: EncodedDataset?, _ phase: String
    ) throws -> Logits? {
        guard let dataset else { return nil }
        return try log.phase(phase) {
            guard
                let logits = try Inference.logits(
                    model, dataset, batchSize: request.batchSize,
                    onProgress: { log.progress($0, of: dataset.count) }, shouldStop: shouldStop)
            else { throw InterruptedError() }
            return logits
        }
    }

    /// Each model with what was measured of it.
    func evaluations(
        _ models: [(classifier: TrainedClassifier, logits: Logits?)], _ dataset: EncodedDataset?,
        _ latencies: [LatencyStatistics?]
    ) throws -> [ModelEvaluation] {
        try zip(models, latencies).map { subject, latency in
            let (classifier, bytes) = (subject.classifier, weightBytes(in: subject.classifier.directory))
            if let logits = subject.logits, let dataset {
                return try Evaluator.evaluation(
                    classifier.model, logits: logits, targets: dataset.targets, bytesOnDisk: bytes,
                    latency: latency)
            }
            return ModelEvaluation(
                problemType: classifier.model.configuration.problemType, metrics: MetricValues(),
                examples: 0, parameters: classifier.model.parameters.elementCount, bytesOnDisk: bytes,
                latencyP50Milliseconds: latency?.p50, latencyP95Milliseconds: latency?.p95)
        }
    }
}

extension ModelEvaluation {
    /// The task's own metric: accuracy, micro F1 or Pearson's correlation.
    public var taskMetric: Double? { metrics[MetricName.defaultForBest(problemType)] }
}
