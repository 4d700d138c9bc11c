import Torch

/// The squared difference of hidden states, mean over tokens, width and pairs of layers (Jiao et al., "TinyBERT",
/// arXiv 1909.10351, equation 8; there the layers are summed).
final class HiddenMSEObjective: StandardObjective {
    static let options = [LayerMap.option(default: "uniform", .hiddenStates), LearnedProjection.option]

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
        try prepared(comparison, name).mean(batch) { try $0.meanSquaredError($1) }
    }
}
