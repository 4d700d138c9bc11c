import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation
@testable import Tuning

/// What decides between language models: the divergence from the teacher where there is one, and less of it is better.
@Suite("Language models are judged by their divergence from the teacher")
struct LanguageModelJudgingTests {
    /// Three texts of two tokens each, with one divergence, surprisal and agreement for all tokens of a text.
    private static let targets = Targets.tokens(
        TokenTargets(ids: [1, 2, 3, 4, 5, 6], offsets: [0, 2, 4, 6]))

    private func logits(kl: [Float], surprisal: [Float], agreement: [Float]) -> Logits {
        var values: [Float] = []
        for text in 0..<3 {
            for _ in 0..<2 {
                var row = [Float](repeating: 0, count: TokenStatisticsMetrics.width)
                row[TokenStatistics.Column.divergence.rawValue] = kl[text]
                row[TokenStatistics.Column.studentSurprisal.rawValue] = surprisal[text]
                row[TokenStatistics.Column.agreement.rawValue] = agreement[text]
                values += row
            }
        }
        return Logits(values: values, classes: TokenStatisticsMetrics.width)
    }

    @Test(
        "a student nearer to its teacher is the better one; every measure has an interval and its direction")
    func gain() throws {
        let near = logits(kl: [0.25, 0.5, 0.75], surprisal: [1, 2, 3], agreement: [1, 0.5, 0.75])
        let far = logits(kl: [1, 1.5, 2], surprisal: [0.5, 1, 1.5], agreement: [0.5, 0.25, 0.25])
        let gain = try BaselineComparison(near, far, targets: Self.targets, seed: 1)
        #expect(gain.all.map(\.metric) == [.kl, .agreement, .perplexity])
        #expect(gain.student == 0.5 && gain.baseline == 1.5 && gain.difference == 1)
        // Every text is nearer, by 0.75 to 1.25.
        #expect(gain.low >= 0.75 && gain.low < 1 && gain.high > 1 && gain.high <= 1.25)
        let agreement = try #require(gain.others?[0])
        #expect(abs(agreement.difference - (0.75 - 1.0 / 3)) < 1e-6 && agreement.low >= 0.25)
        // The other one has the smaller perplexity, so by this measure the student is worse.
        let perplexity = try #require(gain.others?[1])
        #expect(abs(perplexity.student - exp(2)) < 1e-6 && abs(perplexity.baseline - exp(1)) < 1e-6)
        #expect(abs(perplexity.difference - (exp(1) - exp(2))) < 1e-6 && perplexity.high < 0)
        // The other way round all of it is.
        let opposite = try BaselineComparison(far, near, targets: Self.targets, seed: 1)
        #expect(opposite.difference == -1 && opposite.low < -1 && opposite.high < 0)
        #expect(abs(opposite.pValue - gain.pValue) < 1e-12)
    }

    @Test("seeds are summarized by the same measures, an improvement above 0")
    func seeds() throws {
        let near = logits(kl: [0.25, 0.5, 0.75], surprisal: [1, 2, 3], agreement: [1, 0.5, 0.75])
        let far = logits(kl: [1, 1.5, 2], surprisal: [0.5, 1, 1.5], agreement: [0.5, 0.25, 0.25])
        func result(_ seed: UInt64, _ student: Logits, _ baseline: Logits) throws -> SeedResult {
            SeedResult(
                seed: seed, student: try Evaluator.validation(student, targets: Self.targets),
                baseline: try Evaluator.validation(baseline, targets: Self.targets),
                gain: try BaselineComparison(student, baseline, targets: Self.targets, seed: 1),
                bestEpoch: 1, steps: 1)
        }
        let summary = SeedSummary(
            [try result(1, near, far), try result(2, far, far)], saved: 1,
            metrics: LanguageModelTask().comparedMetrics)
        #expect(summary.student.metric == .kl && summary.student.mean == 1)
        #expect(summary.gain?.metric == .kl && summary.gain?.mean == 0.5)
        #expect(summary.others?.map(\.student.metric) == [.agreement, .perplexity])
        #expect(summary.others?[1].gain.map { abs($0.mean - (exp(1) - exp(2)) / 2) < 1e-6 } == true)
        // JSON that comes back is the same, and a task of one measure has no further ones.
        let text = try JSONText.encode(summary)
        #expect(try JSONText.decode(SeedSummary.self, from: text) == summary)
        #expect(text.contains("\"others\""))
        let single = SeedSummary([try result(1, near, far)], saved: 1, metrics: [.accuracy])
        #expect(single.others == nil && single.student.metric == .accuracy)
    }

    @Test(
        "without a teacher the loss chooses, and models are compared by perplexity; encoders are as they were"
    )
    func defaults() throws {
        let type = TaskIdentifier.causalLanguageModel
        #expect(MetricName.defaultForBest(type) == .loss && MetricName.ofTask(type) == .perplexity)
        #expect(MetricName.defaultForBest(type, hasTeacher: true) == .kl)
        for metric in [MetricName.kl, .loss, .perplexity, .bitsPerByte, .bytePerplexity] {
            #expect(!metric.greaterIsBetter && TuningMetric(metric.rawValue).direction == .minimize)
        }
        for task in TaskIdentifier.labeledTasks {
            #expect(task.definition.comparedMetrics == [MetricName.ofTask(task)])
            #expect(
                MetricName.defaultForBest(task, hasTeacher: true) == MetricName.defaultForBest(task))
        }
    }
}
