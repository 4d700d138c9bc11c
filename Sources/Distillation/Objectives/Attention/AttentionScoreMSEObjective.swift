import Torch

/// The squared difference of the attention scores q · kᵀ / √d before the softmax, mean over heads, pairs of an
/// example's tokens, and pairs of layers (Jiao et al., "TinyBERT", arXiv 1909.10351, equation 7; there the layers are
/// summed). With `heads = match`, of each side's mean scores over its heads.
final class AttentionScoreMSEObjective: StandardObjective {
    static let options = AttentionComparison.options

    let name: String
    let unit = LossUnit.tokenPairs
    private var comparison: AttentionComparison

    init(_ specification: ObjectiveSpecification) throws {
        comparison = try AttentionComparison(ObjectiveOptions(specification, known: Self.options))
        name = specification.name
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try comparison.prepare(models, objective: name)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try comparison.mean(batch, objective: name) {
            [matching = comparison.matching] attention, student, teacher in
            func side(_ scores: Tensor) throws -> Tensor {
                matching == .match ? try scores.mean(1, keepDimensions: true) : scores
            }
            // Both are 0 at padding, so that the sum has tokens alone in it.
            let difference = try side(student) - side(teacher)
            return try difference.square().sum() / Double(difference.size(1) * attention.pairCount)
        }
    }
}
