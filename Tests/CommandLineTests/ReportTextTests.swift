import Architectures
import Foundation
import Testing

@testable import Distillation
@testable import distill

/// The tables of a model beside its teacher where both differ in inputs or tokens, and numbers at the ends of their ranges.
@Suite("Reports of unlike models")
struct ReportTextTests {
    private func evaluation(
        _ type: TaskIdentifier, _ metrics: [(MetricName, Double)], latency: Double,
        parameters: Int = 1_000_000
    ) -> ModelEvaluation {
        var values = MetricValues()
        for (name, value) in metrics { values[name] = value }
        return ModelEvaluation(
            problemType: type, metrics: values, examples: 10, parameters: parameters,
            bytesOnDisk: 4 * parameters, latencyP50Milliseconds: latency, latencyP95Milliseconds: latency)
    }

    /// A table's rows with one space between their words.
    private func rows(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    }

    @Test(
        "beside a teacher of pairs each time has its unit and no ratio, and the correlation is one everywhere"
    )
    func pairs() {
        let student = evaluation(.embedding, [(.spearman, 0.5151)], latency: 9.41)
        var teacher = evaluation(.embedding, [(.spearman, 0.1117)], latency: 10.7)
        teacher.scoresPairs = true
        let comparison = Comparison(
            agreement: 0.2692, parameterRatio: 1, sizeRatio: 1)
        let found = rows(
            ReportText.comparison(student, name: "student", teacher: teacher, comparison))
        for row in [
            "Spearman correlation 0.1117 0.5151", "similarity to teacher 0.2692",
            "parameters 1.0 M 1.0 M the same", "latency p50 (batch 1) 10.7 ms a pair 9.41 ms a text",
        ] { #expect(found.contains(row), "\(found)") }
    }

    @Test("beside other tokens what is by bytes comes first, and sizes and times keep their ratios")
    func tokens() {
        let student = evaluation(
            .causalLanguageModel, [(.perplexity, 4170), (.bitsPerByte, 3.3175), (.bytePerplexity, 9.97)],
            latency: 1)
        let teacher = evaluation(
            .causalLanguageModel, [(.perplexity, 123), (.bitsPerByte, 1.4905), (.bytePerplexity, 2.81)],
            latency: 8, parameters: 4_000_000)
        let found = rows(ReportText.comparison(student, name: "student", teacher: teacher, nil))
        #expect(found.count > 4 && found[2] == "bits per byte 1.4905 3.3175", "\(found)")
        for row in [
            "perplexity 123.0000 4170.0000", "parameters 4.0 M 1.0 M 4.00× fewer",
            "weights on disk 16.0 MB 4.0 MB 4.00× smaller",
            "latency p50 (batch 1) 8.00 ms 1.00 ms 8.00× faster",
        ] { #expect(found.contains(row), "\(found)") }
        #expect(found.last?.hasPrefix("The teacher's tokenizer gives other tokens") == true)
    }

    @Test("a p-value is never 0, and a perplexity beyond all sizes has four digits")
    func numbers() {
        #expect(Format.probability(0.0004) == "p < 0.001" && Format.probability(0.7532) == "p = 0.753")
        var values = MetricValues()
        values[.perplexity] = 19_023_069_770_858.4922
        let metrics = EpochMetrics(
            epoch: 1, step: 10, trainLoss: 0.25, trainTerms: ["kl": 1], train: MetricValues(),
            validation: values, isBest: true, seconds: 2, examplesPerSecond: 113)
        #expect(RunRenderer.fields(metrics).contains { $0.hasSuffix("perplexity 1.902e+13") })
    }

    @Test("agreement is a fraction of classes, and of vectors a number between -1 and 1")
    func agreement() {
        #expect(ReportText.isFraction(.agreement, .singleLabel))
        #expect(!ReportText.isFraction(.agreement, .embedding))
        #expect(!ReportText.isFraction(.agreement, .regression))
    }

    @Test("an evaluation counts what it read: texts, pairs or examples")
    func counted() {
        #expect(
            TaskIdentifier.embedding.exampleName == "texts" && TaskIdentifier.ranking.exampleName == "pairs")
        #expect(TaskIdentifier.singleLabel.exampleName == "examples")
    }
}
