import Torch

/// The squared difference of the logits, mean over classes and examples (Ba and Caruana, arXiv 1312.6184).
/// It fits every kind of label.
final class LogitsMSEObjective: StandardObjective {
    static let options: [ObjectiveOption] = []

    let name: String
    let unit = LossUnit.rows

    init(_ specification: ObjectiveSpecification) throws {
        _ = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireTeacherLogits(for: name)
        return ObjectiveNeeds(teacherLogits: true)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try batch.student.logits.meanSquaredError(batch.teacherLogits.detached())
    }
}
