import Torch

/// Similarity-preserving knowledge distillation (Tung and Mori, arXiv 1907.09682, section 3): the squared
/// difference of the matrices A · Aᵀ of a batch's examples, each row divided by its norm; mean over the B² elements.
final class SimilarityPreservingObjective: StandardObjective {
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
        try models.requireBatch(of: 2, for: name)
        let needs = try feature.needs(models, objective: name)
        self.needs = needs
        return needs
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let (student, teacher) = try feature.values(batch, prepared(needs, name))
        func similarities(_ rows: Tensor) throws -> Tensor {
            try rows.matmul(rows.transposed()).normalized()
        }
        return try similarities(student).meanSquaredError(similarities(teacher))
    }
}
