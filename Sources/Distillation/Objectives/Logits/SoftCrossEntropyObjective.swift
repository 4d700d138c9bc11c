import Torch

/// T² times the cross-entropy of the softened probabilities, −Σ P log Q, mean over the batch (Hinton et al.,
/// arXiv 1503.02531): KL(P ‖ Q) and the teacher's entropy.
final class SoftCrossEntropyObjective: StandardObjective {
    static let options: [ObjectiveOption] = [.temperature()]

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
        let logits = try SoftenedLogits(batch, temperature: temperature)
        return try -(logits.teacher.exp() * logits.student).sum(-1).mean() * logits.factor
    }
}
