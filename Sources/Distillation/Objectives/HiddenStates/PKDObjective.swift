import Torch

/// Patient knowledge distillation (Sun et al., arXiv 1908.09355, section 3): the squared distance of the layers' [CLS]
/// states, each divided by its norm; mean over examples and pairs of layers.
final class PKDObjective: StandardObjective {
    static let options = HiddenComparison.options(layers: "skip")

    let name: String
    let unit = LossUnit.examples
    private var comparison: HiddenComparison

    init(_ specification: ObjectiveSpecification) throws {
        comparison = try HiddenComparison(ObjectiveOptions(specification, known: Self.options))
        name = specification.name
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try comparison.prepare(models, objective: name)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try comparison.mean(
            batch, objective: name, rows: { try $0.firstTokens(offsets: batch.offsets) },
            of: { try ($0.normalized() - $1.normalized()).square().sum(-1).mean() })
    }
}
