import Foundation
import Torch
import Transformers

/// The logistic loss of each two of a query's documents of which the target has one above the other: −log2 σ(sigma · (s_i − s_j)), mean
/// over the pairs.
///
/// - `rank_net`: unweighted (Burges et al., ICML 2005; `RankNetLoss` of sentence-transformers).
/// - `lambda_loss`: weighted by what the pair's order means for nDCG (Wang et al., CIKM 2018; `LambdaLoss`), gains being
///   2^target − 1, and targets below 0 counted as 0.
final class LambdaObjective: StandardObjective {
    /// The weights of pairs.
    enum Weighting: String, CaseIterable {
        case none
        case ndcgLoss1 = "ndcg_loss1"
        case ndcgLoss2 = "ndcg_loss2"
        case lambdaRank = "lambda_rank"
        case ndcgLoss2PP = "ndcg_loss2pp"
    }

    private static let common = [
        ObjectiveOption("sigma", default: "1", "how steep the logistic function is"),
        ObjectiveOption(
            "k", default: "none", "only pairs with one of the k best documents by the student's scores"),
    ]
    static let options =
        PairScoring.options + [PairScoring.teacherScale, PairScoring.source(.teacher)] + common
    static let lambdaOptions =
        PairScoring.options + [PairScoring.teacherScale, PairScoring.source(.labels)] + common + [
            ObjectiveOption(
                "weighting", default: "ndcg_loss2pp",
                "none, ndcg_loss1, ndcg_loss2, lambda_rank or ndcg_loss2pp"),
            ObjectiveOption(
                "mu", default: "10", "of ndcg_loss2pp: the weight of ndcg_loss2 beside lambda_rank"),
        ]

    let name: String
    let unit = LossUnit.groups
    private var scoring: PairScoring
    private let sigma: Double
    private let k: Int?
    private let weighting: Weighting
    private let mu: Double
    /// The least ideal DCG that gains are divided by.
    private static let epsilon = 1e-10

    convenience init(_ specification: ObjectiveSpecification) throws {
        try self.init(specification, isWeighted: false)
    }

    init(_ specification: ObjectiveSpecification, isWeighted: Bool) throws {
        let options = try ObjectiveOptions(
            specification, known: isWeighted ? Self.lambdaOptions : Self.options)
        name = specification.name
        scoring = try PairScoring(options, nil)
        sigma = try options.number("sigma", "above 0") { $0 > 0 }
        k = try options.text("k") == "none" ? nil : options.integer("k", "of at least 1, or none") { $0 > 0 }
        weighting = isWeighted ? try options.choice("weighting") : .none
        mu = isWeighted ? try options.number("mu", "of at least 0") { $0 >= 0 } : 0
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        let needs = try scoring.prepare(models, objective: name)
        try models.requireLists(for: name)
        return needs
    }

    /// The pairs whose targets differ; of a teacher that is a model, whose scores are not known here, all pairs, and so with k.
    func count(_ counts: LossCounts) -> Double {
        (counts.targets.groups?.compared(scoring.source) ?? []).reduce(0.0) { sum, values in
            var pairs = values.count * (values.count - 1) / 2
            if weighting == .ndcgLoss1 {
                pairs = values.count * values.count
            } else {
                let known = values.filter { !$0.isNaN }
                for count in Dictionary(grouping: known, by: { $0 }).values.map(\.count) {
                    pairs -= count * (count - 1) / 2
                }
            }
            return sum + Double(pairs)
        }
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let scores = try scoring.scores(batch, least: 2)
        guard !scores.isEmpty else { return try batch.student.logits.zeroInGraph() }
        // Positions are those by the student's scores.
        let matrices = try scores.sortedMatrices()
        let (own, other) = (try matrices.target.unsqueezed(2), try matrices.target.unsqueezed(1))
        var chosen = try matrices.pairs
        if weighting != .ndcgLoss1 { chosen = try chosen * own.greater(other).to(.float32) }
        let width = try matrices.mask.size(1)
        if let k, k < width {
            let isTop = try Tensor((0..<width).map { $0 < k ? Float(1) : 0 }, device: chosen.device)
            chosen = try chosen * isTop.unsqueezed(0).maximum(isTop.unsqueezed(1)).unsqueezed(0)
        }
        let differences = try matrices.student.unsqueezed(2) - matrices.student.unsqueezed(1)
        // −log σ(x) is the binary cross-entropy with 1.
        let logits = try differences.clampedBelow(-1e8).clampedAbove(1e8) * sigma
        let losses =
            try logits.binaryCrossEntropyWithLogits(.ones(logits.shape, device: logits.device)) / Double.ln2
        let weighted = try weights(matrices).map { try losses * $0 } ?? losses
        return try (weighted * chosen).sum() / chosen.sum().clampedBelow(1)
    }

    /// (G, M, M) The weights of pairs, whose documents are in the order of the student's scores; `nil` for 1.
    private func weights(_ matrices: GroupScores.Matrices) throws -> Tensor? {
        guard weighting != .none else { return nil }
        let width = try matrices.mask.size(1)
        let device = matrices.mask.device
        let discounts = try (Tensor.arange(width + 1, device: device).to(.float32) + 2).log() / Double.ln2
        let discount = try discounts.narrowed(dimension: 0, start: 0, length: width)
        let gains = try (matrices.target.clampedBelow(0) * Double.ln2).exp() - 1
        let gain = try gains * matrices.mask / ideal(gains * matrices.mask, width).unsqueezed(1)
        let differences = try (gain.unsqueezed(2) - gain.unsqueezed(1)).absolute()
        func lambdaRank() throws -> Tensor {
            let inverse = try discount.power(-1)
            return try (inverse.unsqueezed(1) - inverse.unsqueezed(0)).absolute().unsqueezed(0) * differences
        }
        func ndcgLoss2() throws -> Tensor {
            let inverse: [Float] = try discounts.power(-1).to(.float32, .cpu).array()
            // By the distance of two positions; 0 of a document to itself.
            let deltas = (0..<width * width).map { place -> Float in
                let distance = abs(place / width - place % width)
                return distance == 0 ? 0 : abs(inverse[distance - 1] - inverse[distance])
            }
            return try Tensor(deltas, shape: [1, width, width], device: device) * differences
        }
        return switch weighting {
        case .none: nil
        case .ndcgLoss1: try (gain / discount.unsqueezed(0)).unsqueezed(2)
        case .lambdaRank: try lambdaRank()
        case .ndcgLoss2: try ndcgLoss2()
        case .ndcgLoss2PP: try ndcgLoss2() * mu + lambdaRank()
        }
    }

    /// (G) The DCG of the best order.
    private func ideal(_ gains: Tensor, _ width: Int) throws -> Tensor {
        let values: [Float] = try gains.to(.float32, .cpu).array()
        let best = stride(from: 0, to: values.count, by: width).map { start -> Float in
            let sorted = values[start..<start + width].sorted(by: >).prefix(k ?? width)
            let sum = sorted.enumerated().reduce(0.0) { sum, entry in
                sum + Double(entry.element) / log2(Double(entry.offset + 2))
            }
            return Float(max(sum, Self.epsilon))
        }
        return try Tensor(best, device: gains.device)
    }
}
