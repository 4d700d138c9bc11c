import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("Losses on a query's documents")
struct RankingLossTests {
    private static func leaf(_ rows: [[Float]]) throws -> Tensor {
        let tensor = try Tensor(rows.flatMap { $0 }, shape: [rows.count, rows[0].count])
        try tensor.setRequiresGrad(true)
        return tensor
    }

    private static func batch(_ loss: RankingFixture.Loss, _ student: Tensor, _ rows: Range<Int>? = nil)
        throws
        -> (ObjectiveBatch, LossCounts)
    {
        let rows = rows ?? 0..<loss.student.count
        let targets = Targets.groups(loss.targets.subset(Array(rows)))
        let teacher =
            try loss.teacherVectors.map { vectors in
                try Tensor(vectors[rows].flatMap { $0 }, shape: [rows.count, vectors[0].count])
            } ?? Tensor(Array((loss.teacher ?? [])[rows]), shape: [rows.count, 1])
        return (
            ObjectiveBatch(
                student: ModelOutput(logits: try student[rows]), teacherLogits: teacher,
                labels: try targets.batchLabels(), offsets: Array(0...rows.count)),
            LossCounts(offsets: Array(0...rows.count), targets: targets)
        )
    }

    @Test("sentence-transformers' value and gradient", arguments: RankingFixture.shared.losses)
    func golden(_ loss: RankingFixture.Loss) throws {
        let objective = try objective(loss.objective)
        _ = try objective.prepare(
            RankingFixture.models(embedding: loss.embedding, teacherScores: loss.teacherVectors == nil))
        let student = try Self.leaf(loss.student)
        let (batch, _) = try Self.batch(loss, student)
        let result = try objective.loss(batch)
        #expect(result.shape.isEmpty && result.dtype == .float32)
        try result.backward()
        let value = try result.item()
        #expect(abs(value - loss.value) <= 1e-6 * max(1, abs(loss.value)), "\(value) for \(loss.value)")
        let gradient = try #require(try student.gradient).array(of: Double.self)
        let wanted = loss.gradient.flatMap { $0 }
        let size = wanted.map(abs).max() ?? 0
        #expect(size > 0)
        for (own, theirs) in zip(gradient, wanted) { #expect(abs(own - theirs) <= 2e-6 * max(1e-1, size)) }
    }

    /// Losses that are means over numbers which are known of the data: all but those of a batch's other documents, or of the best k.
    private static let means = RankingFixture.shared.losses.filter { loss in
        loss.counts.count > 1 && !loss.objective.contains("k = ") && !loss.objective.hasPrefix("multiple_")
            && !loss.objective.hasPrefix("list_infonce")
    }

    @Test("micro-batches of queries add up to one batch", arguments: means)
    func accumulation(_ loss: RankingFixture.Loss) throws {
        let objective = try objective(loss.objective)
        _ = try objective.prepare(
            RankingFixture.models(embedding: loss.embedding, teacherScores: loss.teacherVectors == nil))
        let student = try Self.leaf(loss.student)
        let first = loss.counts[0] + (loss.embedding ? 1 : 0)
        let parts = try [0..<first, first..<loss.student.count].map { try Self.batch(loss, student, $0) }
        let fractions = ObjectiveSum.fractions(parts.map { [objective.count($0.1)] }).map { $0[0] }
        #expect(abs(fractions.reduce(0, +) - 1) < 1e-12)
        for (part, fraction) in zip(parts, fractions) { try (objective.loss(part.0) * fraction).backward() }
        let gradient = try #require(try student.gradient).array(of: Double.self)
        let wanted = loss.gradient.flatMap { $0 }
        let size = wanted.map(abs).max() ?? 0
        for (own, theirs) in zip(gradient, wanted) { #expect(abs(own - theirs) <= 2e-6 * max(1e-1, size)) }
    }

    @Test("documents without a label are left out of losses with labels, and a batch without any gives 0")
    func unlabeled() throws {
        let student = try Self.leaf([[1], [2], [-1], [0.5]])
        func loss(_ text: String, _ labels: [Float]) throws -> Double {
            let objective = try objective(text)
            _ = try objective.prepare(RankingFixture.models(embedding: false))
            let targets = Targets.groups(RankingFixture.targets([4], hasQueries: false, labels: labels))
            return try objective.loss(
                ObjectiveBatch(
                    student: ModelOutput(logits: student), teacherLogits: student,
                    labels: targets.batchLabels(), offsets: Array(0...4))
            ).item()
        }
        // (1 − 0)² and (−1 − 1)², and not those of the second and the last.
        #expect(try abs(loss("score_mse(targets = labels)", [0, .nan, 1, .nan]) - 2.5) < 1e-6)
        // −log2 σ(−1 − 1) alone.
        let wanted = log2(1 + exp(2.0))
        #expect(try abs(loss("rank_net(targets = labels)", [0, .nan, 1, .nan]) - wanted) < 1e-5)
        for text in [
            "score_mse(targets = labels)", "score_bce", "list_net", "rank_net(targets = labels)",
            "lambda_loss",
            "adr_mse(targets = labels)",
        ] {
            #expect(try loss(text, [.nan, .nan, .nan, .nan]) == 0)
        }
    }

    @Test("refuse what they cannot compute, and say what to do")
    func refusals() throws {
        func message(_ text: String, _ models: ObjectiveModels) -> String {
            let error = #expect(throws: DistillationError.self) { try objective(text).prepare(models) }
            return error?.description ?? ""
        }
        let (pairs, vectors) = (
            try RankingFixture.models(embedding: false), try RankingFixture.models(embedding: true)
        )
        #expect(message("margin_mse(similarity = cos)", pairs).contains("similarity is of vectors"))
        #expect(message("multiple_negatives_ranking", pairs).contains("use list_net"))
        #expect(message("list_infonce", pairs).contains("use list_kl"))
        #expect(
            message("sentence_cosine", vectors).contains(
                "use margin_mse, list_kl or score_mse(similarity = cos)"))
        let single = try RankingFixture.models(embedding: false, hasLists: false)
        for text in ["margin_mse", "list_kl", "rank_net", "lambda_loss", "adr_mse", "list_net"] {
            #expect(message(text, single).contains("every query of the training data has one; use score_mse"))
        }
        let others = try ObjectiveModels.tiny()
        #expect(message("list_kl", others).contains("it compares the scores of a query's documents"))
        for (text, part) in [
            ("margin_mse(pairs = some)", "pairs must be first or all"),
            ("list_kl(temperature = 0)", "temperature must be above 0"),
            ("rank_net(k = 0)", "k must be a whole number of at least 1, or none"),
            ("adr_mse(targets = both)", "targets must be teacher or labels"),
            ("lambda_loss(weighting = heavy)", "weighting must be none, ndcg_loss1"),
            ("score_mse(teacher_scale = 0)", "teacher_scale must be a number above 0"),
        ] {
            let error = #expect(throws: DistillationError.self) { try objective(text) }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
        // Labels that are no probabilities.
        let bce = try objective("score_bce")
        _ = try bce.prepare(pairs)
        let targets = Targets.groups(RankingFixture.targets([2], hasQueries: false, labels: [1, 3]))
        let student = try Self.leaf([[1], [2]])
        let error = #expect(throws: DistillationError.self) {
            try bce.loss(
                ObjectiveBatch(
                    student: ModelOutput(logits: student), labels: targets.batchLabels(), offsets: [0, 1, 2]))
        }
        #expect(error?.description.contains("a label is 3.0") == true)
    }

    @Test("nDCG, MRR and MAP are scikit-learn's, with equal scores too", arguments: [0, 1])
    func metrics(_ index: Int) throws {
        let metrics = RankingFixture.shared.metrics[index]
        let counts = metrics.queries.map(\.scores.count)
        let labels = metrics.queries.flatMap(\.labels)
        let scores = metrics.queries.flatMap(\.scores)
        let values = RankingMetrics.values(
            scores, RankingFixture.targets(counts, hasQueries: false, labels: labels))
        #expect(try abs(#require(values[.ndcg]) - metrics.ndcg) < 1e-9)
        #expect(try abs(#require(values[.mrr]) - metrics.mrr) < 1e-9)
        #expect(try abs(#require(values[.map]) - metrics.map) < 1e-9)
        // Of queries with one document there is no order.
        let single = RankingMetrics.values(
            [1, 2], RankingFixture.targets([1, 1], hasQueries: false, labels: [1, 0]))
        #expect(single[.ndcg] == nil && single[.spearman] == -1)
    }
}
