import Torch

/// Patient knowledge distillation (Sun et al., arXiv 1908.09355, section 3): the squared distance of the layers' first
/// tokens, each divided by its norm; mean over examples and pairs of layers.
final class PKDObjective: StandardObjective {
    static let options = [LayerMap.option(default: "skip", .hiddenStates), LearnedProjection.option]

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
        try prepared(comparison, name).mean(
            batch, rows: { try $0.firstTokens(offsets: batch.offsets) },
            of: { try ($0.normalized() - $1.normalized()).square().sum(-1).mean() })
    }
}
