import Torch

/// Relational knowledge distillation of angles (Park et al., arXiv 1904.05068, section 3.2): Huber's loss of the
/// cosines of the angles that every three examples of a batch form; mean over the triples of different examples.
final class RKDAngleObjective: StandardObjective {
    static let options = ExampleRelation.options

    let name: String
    let unit = LossUnit.comparisons
    private var relation: ExampleRelation

    init(_ specification: ObjectiveSpecification) throws {
        relation = try ExampleRelation(ObjectiveOptions(specification, known: Self.options))
        name = specification.name
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try relation.prepare(models, objective: name, batchOf: 3)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let (student, teacher) = try relation.values(batch, objective: name)
        let count = try student.size(0)
        // An epoch's last batch may be one or two examples.
        guard count > 2 else { return try student.zeroInGraph() }
        // Sides of no length have cosines of 0, and a side has 1 with itself: degenerate triples add nothing.
        let sameEnds = try Tensor.arange(count, device: student.device)
        let isTriple = try sameEnds.notEqual(sameEnds.unsqueezed(1)).to(.float32)
        func cosines(_ rows: Tensor) throws -> Tensor {
            let sides = try (rows.unsqueezed(0) - rows.unsqueezed(1)).normalized()
            return try sides.matmul(sides.transposed())
        }
        let losses = try cosines(student).huber(cosines(teacher)) * isTriple
        return try losses.sum() / Double(count * (count - 1) * (count - 2))
    }
}
