import Torch
import Transformers

/// The squared difference of a document's rank among its query's from its rank by the target, discounted by the latter, mean over the
/// documents (ADR-MSE; Schlatt et al., "Rank-DistiLLM", arXiv 2405.07920; `ADRMSELoss` of sentence-transformers).
///
/// The student's rank is 1 + Σ σ(alpha · (s_j − s_i)) over the other documents j; equal targets share the mean of their ranks.
final class ADRMSEObjective: StandardObjective {
    static let options =
        PairScoring.options + [
            PairScoring.teacherScale, PairScoring.source(.teacher),
            ObjectiveOption("alpha", default: "1", "how steep the sigmoid of the ranks is"),
        ]

    let name: String
    let unit = LossUnit.groups
    private var scoring: PairScoring
    private let alpha: Double

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        scoring = try PairScoring(options, nil)
        alpha = try options.number("alpha", "above 0") { $0 > 0 }
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        let needs = try scoring.prepare(models, objective: name)
        try models.requireLists(for: name)
        return needs
    }

    func count(_ counts: LossCounts) -> Double {
        Double(counts.targets.groups?.compared(scoring.source).reduce(0) { $0 + $1.count } ?? 0)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let scores = try scoring.scores(batch, least: 1)
        guard !scores.isEmpty else { return try batch.student.logits.zeroInGraph() }
        let matrices = try scores.matrices()
        // (G, i, j): the document i, and whether j is before it.
        let others = try matrices.mask.unsqueezed(1)
        let before = try (matrices.student.unsqueezed(1) - matrices.student.unsqueezed(2)) * alpha
        let ranks = try (before.sigmoid() * others).sum(-1) + 0.5
        let (own, other) = (try matrices.target.unsqueezed(2), try matrices.target.unsqueezed(1))
        let greater = try (other.greater(own).to(.float32) * others).sum(-1)
        let equal = try (other.equal(own).to(.float32) * others).sum(-1)
        let wanted = try greater + (equal + 1) * 0.5
        let discount = try (wanted + 1).log().power(-1) * Double.ln2
        let losses = try discount * (wanted - ranks).square() * matrices.mask
        return try losses.sum() / Double(scores.groups.reduce(0) { $0 + $1.count })
    }
}

extension Double {
    /// The natural logarithm of 2.
    static let ln2 = 0.693147180559945309417
}
