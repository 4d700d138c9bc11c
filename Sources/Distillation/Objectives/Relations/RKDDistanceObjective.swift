import Torch

/// Relational knowledge distillation of distances (Park et al., arXiv 1904.05068, section 3.2): Huber's loss of the
/// distances between a batch's examples, divided by their mean in either model; mean over the pairs of two examples.
final class RKDDistanceObjective: StandardObjective {
    static let options = ExampleRelation.options

    let name: String
    let unit = LossUnit.comparisons
    private var relation: ExampleRelation

    init(_ specification: ObjectiveSpecification) throws {
        relation = try ExampleRelation(ObjectiveOptions(specification, known: Self.options))
        name = specification.name
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try relation.prepare(models, objective: name, batchOf: 2)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let (student, teacher) = try relation.values(batch, objective: name)
        // An epoch's last batch may be a single example.
        let count = try student.size(0)
        guard count > 1 else { return try student.zeroInGraph() }
        let pairs = Double(count * (count - 1))
        func relative(_ rows: Tensor) throws -> Tensor {
            let distances = try rows.distances(to: rows)
            // All examples alike: 0 everywhere, rather than 0 / 0.
            return try distances / (distances.sum() / pairs).clampedBelow(1e-12)
        }
        // The diagonal is 0 on both sides.
        return try relative(student).huber(relative(teacher)).sum() / pairs
    }
}
