import Torch

/// −log softmax(student)[label], mean over the examples that have a label.
///
/// With class weights it is the weighted mean, divided by the sum of the labels' weights, as PyTorch's
/// `CrossEntropyLoss(weight=…)`. A batch without labels gives 0.
final class CrossEntropyObjective: StandardObjective, VocabularyObjective {
    static let labelSmoothing = ObjectiveOption(
        "label_smoothing", default: "0", "the fraction of the label's mass that is spread over all classes")
    static let options = [labelSmoothing, ClassWeights.option]

    let name: String
    let unit = LossUnit.labeledRows
    private let labelSmoothing: Double
    private let weights: ClassWeights
    private var classWeights: Tensor?
    /// The same numbers.
    private var factors: [Double] = []

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        labelSmoothing = try options.number("label_smoothing", "from 0 up to, but not including, 1") {
            (0..<1).contains($0)
        }
        weights = try ClassWeights(options, "class_weights")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireLabels(for: "cross_entropy", objective: name)
        guard !models.problemType.definition.predictsTokens || labelSmoothing == 0 && weights == .none else {
            throw DistillationError(
                "objective \(name): label_smoothing and class_weights are for classes, not for a vocabulary; leave them out"
            )
        }
        classWeights = try weights.classWeights(models, objective: name)
        factors = try classWeights?.array() ?? []
        return ObjectiveNeeds(labels: true)
    }

    func term(at progress: Double) -> LossTerm { LossTerm(.crossEntropy) }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let labels = batch.labels
        guard labels.labeledCount > 0 else { return try batch.student.logits.zeroInGraph() }
        return try batch.student.logits.crossEntropy(
            labels.targets, classWeights: classWeights, ignoreIndex: BatchLabels.unlabelled,
            labelSmoothing: labelSmoothing)
    }

    /// The labels, or the sum of their classes' weights.
    func count(_ counts: LossCounts) -> Double {
        guard !factors.isEmpty else { return counts.count(unit) }
        return counts.targets.classes.reduce(0) { $1 == BatchLabels.unlabelled ? $0 : $0 + factors[$1] }
    }
}
