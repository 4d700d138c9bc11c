import Torch

/// 1 − the cosine of the angle between hidden states, mean over tokens and pairs of layers (Sanh et al., "DistilBERT",
/// arXiv 1910.01108, section 3: of the last hidden states).
final class HiddenCosineObjective: StandardObjective {
    static let options = [LayerMap.option(default: "final", .hiddenStates), LearnedProjection.option]

    let name: String
    private let layers: LayerMap
    private let projection: LearnedProjection
    private var comparison: HiddenComparison?

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        layers = try LayerMap(options)
        projection = try options.choice("projection")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        let comparison = try HiddenComparison(
            models, layers: layers, projection: projection, objective: name)
        self.comparison = comparison
        return comparison.needs
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try prepared(comparison, name).mean(batch) {
            try 1 - ($0.normalized() * $1.normalized()).sum(-1).mean()
        }
    }
}
