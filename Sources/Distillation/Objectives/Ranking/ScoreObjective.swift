import Torch
import Transformers

/// The loss of each document's score by itself, mean over the documents.
///
/// - `score_mse`: the squared difference from the teacher's score, or the label (`MSELoss`, and with `similarity = cos`
///   `CosineSimilarityLoss` of sentence-transformers).
/// - `score_bce`: the binary cross-entropy with a label from 0 to 1 (`BinaryCrossEntropyLoss`).
final class ScoreObjective: StandardObjective {
    static let labelOptions = PairScoring.options
    static let options = labelOptions + [PairScoring.teacherScale, PairScoring.source(.teacher)]

    let name: String
    let unit = LossUnit.groups
    private var scoring: PairScoring
    private let isBinary: Bool

    convenience init(_ specification: ObjectiveSpecification) throws {
        try self.init(specification, isBinary: false)
    }

    init(_ specification: ObjectiveSpecification, isBinary: Bool) throws {
        let options = try ObjectiveOptions(specification, known: isBinary ? Self.labelOptions : Self.options)
        name = specification.name
        scoring = try PairScoring(options, isBinary ? .labels : nil)
        self.isBinary = isBinary
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try scoring.prepare(models, objective: name)
    }

    func count(_ counts: LossCounts) -> Double {
        Double(counts.targets.groups?.compared(scoring.source).reduce(0) { $0 + $1.count } ?? 0)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let scores = try scoring.scores(batch, least: 1)
        guard !scores.isEmpty else { return try batch.student.logits.zeroInGraph() }
        guard isBinary else { return try scores.student.meanSquaredError(scores.target) }
        if let wrong = batch.labels.groups?.labels.first(where: { !$0.isNaN && !(0...1).contains($0) }) {
            throw DistillationError(
                "\(name): a label is \(wrong), but its probability must be from 0 to 1; divide the labels by their largest, or use "
                    + "score_mse(targets = labels)")
        }
        return try scores.student.binaryCrossEntropyWithLogits(scores.target).mean()
    }
}
