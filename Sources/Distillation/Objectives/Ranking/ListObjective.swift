import Torch
import Transformers

/// The divergence of the distributions that scores give over a query's documents, mean over the queries.
///
/// - `list_kl`: T² · KL(teacher ‖ student), as `DistillKLDivLoss` of sentence-transformers (Lin et al., arXiv 2010.11386).
/// - `list_net`: the cross-entropy with the softmax of the labels (Cao et al., ICML 2007; `ListNetLoss`).
final class ListObjective: StandardObjective {
    static let labelOptions = PairScoring.options
    static let options = SoftenedScoring.options(labelOptions, temperature: "the scores of both")

    let name: String
    let unit = LossUnit.groups
    private var softened: SoftenedScoring

    convenience init(_ specification: ObjectiveSpecification) throws {
        try self.init(specification, .teacher)
    }

    init(_ specification: ObjectiveSpecification, _ source: ScoreSource) throws {
        name = specification.name
        softened = try SoftenedScoring(specification, source, Self.options, Self.labelOptions)
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        let needs = try softened.scoring.prepare(models, objective: name)
        try models.requireLists(for: name)
        return needs
    }

    func count(_ counts: LossCounts) -> Double {
        Double(counts.targets.groups?.compared(softened.source).count { $0.count > 1 } ?? 0)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let scores = try softened.scoring.scores(batch, least: 2)
        guard !scores.isEmpty else { return try batch.student.logits.zeroInGraph() }
        let matrices = try scores.matrices()
        let temperature = softened.temperature(at: batch.progress)
        let student = try matrices.logSoftmax(matrices.student / temperature)
        let target = try matrices.logSoftmax(matrices.target / temperature)
        let count = Double(scores.groups.count)
        guard softened.source == .teacher else {
            return try (target.exp() * student).sum().negated() / count
        }
        return try student.rowDivergences(logTarget: target).sum() * (temperature * temperature / count)
    }
}
