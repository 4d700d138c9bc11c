import Distillation
import Files
import Foundation
import Safetensors
import Transformers

/// Evaluates the model before and after quantization.
struct QuantizationEvaluator {
    let request: QuantizeRequest
    let log: RunLog
    let shouldStop: () -> Bool

    /// Returns a model's logits for all examples; `nil` without data.
    func logits(
        _ classifier: LoadedModel, _ dataset: EncodedDataset?, _ phase: String
    ) throws -> Logits? {
        guard let dataset else { return nil }
        return try log.phase(phase) {
            guard
                let logits = try Inference.logits(
                    classifier.model, dataset, batchSize: request.batchSize, of: classifier.directory.path,
                    onProgress: { log.progress($0, of: dataset.count) }, shouldStop: shouldStop)
            else { throw InterruptedError() }
            return logits
        }
    }

    /// A model with its logits for the data as its tokenizer encodes them.
    struct Subject {
        let classifier: LoadedModel
        let logits: Logits?
        let material: QuantizationMaterial

        init(_ classifier: LoadedModel, _ logits: Logits?, _ material: QuantizationMaterial) {
            (self.classifier, self.logits, self.material) = (classifier, logits, material)
        }

        /// The data on which it is timed.
        var dataset: EncodedDataset? { material.data?.dataset ?? material.texts?.dataset }
    }

    /// Returns the evaluation of each model; they are timed in turn.
    func evaluations(_ subjects: [Subject]) throws -> [ModelEvaluation] {
        let timed = subjects.compactMap { subject in
            subject.dataset.map { LatencyProbe.Subject(model: subject.classifier.model, dataset: $0) }
        }
        let latencies =
            timed.count < subjects.count || request.latencySamples == 0
            ? subjects.map { _ in nil }
            : try log.phase("Timing") { try LatencyProbe.measure(timed, samples: request.latencySamples) }
        return try zip(subjects, latencies).map { subject, latency in
            let (classifier, bytes) = (
                subject.classifier, SafetensorsCheckpoint.weightBytes(in: subject.classifier.directory)
            )
            if let logits = subject.logits, let dataset = subject.material.data?.dataset {
                return try Evaluator.evaluation(
                    classifier.model, logits: logits, targets: dataset.targets, bytesOnDisk: bytes,
                    latency: latency)
            }
            return Evaluator.evaluation(classifier.model, bytesOnDisk: bytes, latency: latency)
        }
    }
}
