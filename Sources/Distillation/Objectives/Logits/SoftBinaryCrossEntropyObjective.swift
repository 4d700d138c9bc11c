import Torch

/// T² times the binary cross-entropy of σ(student / T) with σ(teacher / T), mean over classes and examples: for labels
/// that do not exclude one another.
final class SoftBinaryCrossEntropyObjective: StandardObjective {
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
        let own = models.problemType.definition.softObjective
        guard own == "soft_binary_cross_entropy" else { throw models.refusal(of: name, "use \(own)") }
        return ObjectiveNeeds(teacherLogits: true)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let temperature = temperature.value(at: batch.progress)
        let target = try (batch.teacherLogits.detached() / temperature).sigmoid()
        let elements = try (batch.student.logits / temperature).binaryCrossEntropyWithLogits(target)
        return try elements.mean() * (temperature * temperature)
    }
}
