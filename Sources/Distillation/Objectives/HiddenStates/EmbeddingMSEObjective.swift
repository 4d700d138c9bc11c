import Torch

/// The squared difference of the embeddings' outputs, mean over tokens and width (Jiao et al., "TinyBERT",
/// arXiv 1909.10351, equation 9).
final class EmbeddingMSEObjective: StandardObjective, TokenObjective {
    static let options = [LearnedProjection.option]

    let name: String
    let unit = LossUnit.tokens
    private var comparison: HiddenComparison

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        comparison = HiddenComparison(
            layers: .pairs([LayerMap.Pair(student: 0, teacher: 0)]),
            projection: try options.choice("projection"))
        name = specification.name
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try comparison.prepare(models, objective: name)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try comparison.mean(batch, objective: name) { try $0.meanSquaredError($1) }
    }
}
