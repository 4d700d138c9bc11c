import Torch

/// Logit standardization (Sun et al., arXiv 2403.01427, algorithm 1): τ² · KL of softmax(Z(teacher) / τ) and
/// softmax(Z(student) / τ), mean over the batch. Z subtracts from each example's logits their mean, and divides by their
/// standard deviation (that of C numbers, not C − 1), so that the student need not match the teacher's scale.
final class StandardizedKLObjective: StandardObjective {
    static let options: [ObjectiveOption] = [.temperature("2")]

    let name: String
    let unit = LossUnit.rows
    private let temperature: Schedule

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        temperature = try options.temperature()
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireSoftmax(for: name)
        return ObjectiveNeeds(teacherLogits: true)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let temperature = temperature.value(at: batch.progress)
        let target = try (standardized(batch.teacherLogits.detached()) / temperature).logSoftmax()
        let prediction = try (standardized(batch.student.logits) / temperature).logSoftmax()
        return try prediction.klDivergenceBatchMean(logTarget: target) * (temperature * temperature)
    }

    private func standardized(_ logits: Tensor) throws -> Tensor {
        // The norm of the centered logits is the standard deviation times √C.
        try logits.centered(dimension: -1).normalized() * Double(logits.size(-1)).squareRoot()
    }
}
