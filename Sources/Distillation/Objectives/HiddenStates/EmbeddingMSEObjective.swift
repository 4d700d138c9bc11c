import Torch

/// The squared difference of the embeddings' outputs, mean over tokens and width (Jiao et al., "TinyBERT",
/// arXiv 1909.10351, equation 9).
final class EmbeddingMSEObjective: StandardObjective {
    static let options = [LearnedProjection.option]

    let name: String
    private let projection: LearnedProjection
    private var comparison: HiddenComparison?

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        projection = try options.choice("projection")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        let comparison = try HiddenComparison(
            models, layers: .pairs([LayerMap.Pair(student: 0, teacher: 0)]), projection: projection,
            objective: name)
        self.comparison = comparison
        return comparison.needs
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try prepared(comparison, name).mean(batch) { try $0.meanSquaredError($1) }
    }
}
