import Torch

/// 1 − the cosine of the angle between hidden states, mean over tokens and pairs of layers (Sanh et al., "DistilBERT",
/// arXiv 1910.01108, section 3: of the last hidden states).
final class HiddenCosineObjective: StandardObjective, TokenObjective {
    static let options = HiddenComparison.options(layers: "final")

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
        try comparison.mean(batch, objective: name) {
            try 1 - ($0.normalized() * $1.normalized()).sum(-1).mean()
        }
    }
}
