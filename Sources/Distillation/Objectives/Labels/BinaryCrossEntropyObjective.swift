import Torch

/// Binary cross-entropy of each class's logit with the label, 1 if the example has the class, mean over the classes and the
/// examples that have labels: PyTorch's `BCEWithLogitsLoss`. A batch without labels gives 0.
final class BinaryCrossEntropyObjective: StandardObjective {
    static let options = [ClassWeights.option, ClassWeights.positiveOption]

    let name: String
    let unit = LossUnit.labeledRows
    private let weights: ClassWeights
    private let positive: ClassWeights
    private var classWeights: Tensor?
    private var positiveWeights: Tensor?

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        weights = try ClassWeights(options, "class_weights")
        positive = try ClassWeights(options, "pos_weight")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireLabels(for: "binary_cross_entropy", objective: name)
        classWeights = try weights.classWeights(models, objective: name)
        positiveWeights = try positive.positiveWeights(models, objective: name)
        return ObjectiveNeeds(labels: true)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let elements = try batch.student.logits.binaryCrossEntropyWithLogits(
            batch.labels.targets, classWeights: classWeights, positiveWeights: positiveWeights)
        return try batch.labels.mean(of: elements)
    }
}

extension BatchLabels {
    /// The mean over the rows that have a label, and over their elements: of (B, C).
    func mean(of elements: Tensor) throws -> Tensor {
        guard labeledCount > 0 else { return try elements.zeroInGraph() }
        let rows = try elements.mean(-1)
        return try (rows * mask).sum() * (1 / Double(labeledCount))
    }
}
