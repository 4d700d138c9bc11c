import Torch

/// The squared difference of hidden states, mean over tokens, width and pairs of layers (Jiao et al., "TinyBERT",
/// arXiv 1909.10351, equation 8; there the layers are summed).
final class HiddenMSEObjective: StandardObjective, TokenObjective {
    static let options = HiddenComparison.options(layers: "uniform")

    let name: String
    let unit = LossUnit.tokens
    private var comparison: HiddenComparison

    init(_ specification: ObjectiveSpecification) throws {
        comparison = try HiddenComparison(ObjectiveOptions(specification, known: Self.options))
        name = specification.name
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try comparison.prepare(models, objective: name)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try comparison.mean(batch, objective: name) { try $0.meanSquaredError($1) }
    }
}
