import Torch

/// Similarity-preserving knowledge distillation (Tung and Mori, arXiv 1907.09682, section 3): the squared
/// difference of the matrices A · Aᵀ of a batch's examples, each row divided by its norm; mean over the B² elements.
final class SimilarityPreservingObjective: StandardObjective {
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
        func similarities(_ rows: Tensor) throws -> Tensor {
            try rows.matmul(rows.transposed()).normalized()
        }
        return try similarities(student).meanSquaredError(similarities(teacher))
    }
}
