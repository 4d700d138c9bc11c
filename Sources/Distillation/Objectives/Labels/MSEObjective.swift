import Torch

/// The squared difference from regression labels, mean over the examples that have one. A batch without labels
/// gives 0.
final class MSEObjective: StandardObjective {
    static let options: [ObjectiveOption] = []

    let name: String
    let unit = LossUnit.labeledRows

    init(_ specification: ObjectiveSpecification) throws {
        _ = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireLabels(for: "mse", objective: name)
        return ObjectiveNeeds(labels: true)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try batch.labels.mean(of: (batch.student.logits - batch.labels.targets).square())
    }
}
