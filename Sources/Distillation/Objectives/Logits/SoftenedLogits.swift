import Torch

/// Both models' log-probabilities (B, C) at a temperature.
struct SoftenedLogits {
    let student: Tensor
    /// Detached.
    let teacher: Tensor
    /// T², which keeps the gradients' size at any temperature (arXiv 1503.02531, section 2).
    let factor: Double

    init(_ batch: ObjectiveBatch, temperature: Schedule) throws {
        let temperature = temperature.value(at: batch.progress)
        teacher = try (batch.teacherLogits.detached() / temperature).logSoftmax()
        student = try (batch.student.logits / temperature).logSoftmax()
        factor = temperature * temperature
    }
}
