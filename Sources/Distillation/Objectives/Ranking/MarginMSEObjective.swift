import Torch
import Transformers

/// The squared difference between a student's margin of two documents of a query and its teacher's, mean over the pairs (Hofstätter et
/// al., "Margin-MSE", arXiv 2010.02666; `MarginMSELoss` of sentence-transformers).
///
/// With `pairs = first` the first document, which is the positive one of triples, is compared with each other one; with `all` each two
/// are.
final class MarginMSEObjective: StandardObjective {
    /// The pairs of documents.
    enum Pairs: String, CaseIterable {
        case first, all
    }

    static let options =
        PairScoring.options + [
            PairScoring.teacherScale,
            ObjectiveOption(
                "pairs", default: "first", "first: the first document with each other; all: each two"),
        ]

    let name: String
    let unit = LossUnit.groups
    private var scoring: PairScoring
    private let pairs: Pairs

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        scoring = try PairScoring(options, .teacher)
        pairs = try options.choice("pairs")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        let needs = try scoring.prepare(models, objective: name)
        try models.requireLists(for: name)
        return needs
    }

    func count(_ counts: LossCounts) -> Double {
        Self.count(counts.targets.groups?.documents.map(\.count) ?? [], pairs)
    }

    /// The number of pairs of queries with so many documents each.
    private static func count(_ documents: [Int], _ pairs: Pairs) -> Double {
        documents.reduce(0.0) { sum, count in
            sum + Double(pairs == .first ? max(0, count - 1) : count * (count - 1) / 2)
        }
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let scores = try scoring.scores(batch, least: 2)
        guard !scores.isEmpty else { return try batch.student.logits.zeroInGraph() }
        let matrices = try scores.matrices()
        let difference = try matrices.student - matrices.target
        let count = Self.count(scores.groups.map(\.count), pairs)
        switch pairs {
        case .first:
            let margins = try difference.narrowed(dimension: 1, start: 0, length: 1) - difference
            return try (margins.square() * matrices.mask).sum() / count
        case .all:
            let margins = try difference.unsqueezed(2) - difference.unsqueezed(1)
            return try (margins.square() * matrices.pairs).sum() / (2 * count)
        }
    }
}
