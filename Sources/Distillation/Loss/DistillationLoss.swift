import Torch

/// The distillation loss of Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015,
/// arXiv 1503.02531):
///
/// `alpha · T² · KL(softmax(teacher / T) ‖ softmax(student / T)) + (1 − alpha) · cross-entropy(student, labels)`,
/// both terms the mean over the batch.
///
/// The factor T² keeps the soft term's gradients at about the same size whatever the temperature, since both
/// softmaxes divide by it (section 2 of the paper).
public struct DistillationLoss: Sendable, Equatable {
    /// Divides both sides' logits; above 0.
    public let temperature: Double
    /// The weight of the soft term, 0…1.
    public let alpha: Double

    /// - Throws: ``DistillationError`` where a setting is out of its range.
    public init(temperature: Double = 4, alpha: Double = 0.7) throws {
        guard temperature > 0, temperature.isFinite else {
            throw DistillationError(
                "temperature must be above 0, got \(temperature); usual values are 2 to 10")
        }
        guard (0...1).contains(alpha) else {
            throw DistillationError("alpha must be from 0 (labels alone) to 1 (teacher alone), got \(alpha)")
        }
        self.temperature = temperature
        self.alpha = alpha
    }

    /// - Parameters:
    ///   - student: Logits (B, C), in the graph.
    ///   - teacher: Logits (B, C); no gradient flows into them.
    ///   - labels: (B) classes, int64.
    /// - Throws: `TorchError` where shapes differ.
    public func callAsFunction(student: Tensor, teacher: Tensor, labels: Tensor) throws -> LossTerms {
        let teacher = try teacher.detached()
        let soft = try softLoss(student: student, teacher: teacher)
        let hard = try student.crossEntropy(labels)
        let kl = try withNoGrad {
            try student.logSoftmax().klDivergenceBatchMean(logTarget: teacher.logSoftmax()).item()
        }
        return LossTerms(
            total: try soft * alpha + hard * (1 - alpha), soft: try soft.item(), hard: try hard.item(), kl: kl
        )
    }

    /// T² · KL(softmax(teacher / T) ‖ softmax(student / T)), mean over the batch: a scalar.
    public func softLoss(student: Tensor, teacher: Tensor) throws -> Tensor {
        let target = try (teacher / temperature).logSoftmax()
        let prediction = try (student / temperature).logSoftmax()
        return try prediction.klDivergenceBatchMean(logTarget: target) * (temperature * temperature)
    }
}
