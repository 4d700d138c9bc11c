import Torch

/// Relational knowledge distillation of angles (Park et al., arXiv 1904.05068, section 3.2): Huber's loss of the
/// cosines of the angles that every three examples of a batch form; mean over the triples of different examples.
final class RKDAngleObjective: StandardObjective {
    static let options = [ExampleFeature.option]

    let name: String
    private let feature: ExampleFeature
    private var needs: ObjectiveNeeds?

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        feature = try options.choice("feature")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireBatch(of: 3, for: name)
        let needs = try feature.needs(models, objective: name)
        self.needs = needs
        return needs
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let (student, teacher) = try feature.values(batch, prepared(needs, name))
        let count = batch.count
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
