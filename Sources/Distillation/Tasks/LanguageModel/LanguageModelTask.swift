import Datasets
import Foundation
import Reports
import Torch
import Transformers

/// The next token at each token of a text that is trained: softmax over the vocabulary and cross-entropy.
///
/// A row is a token that is a target. Its logits are never kept: a row of outputs is what `TokenStatistics` tells of it, and a
/// teacher's is its last hidden state.
struct LanguageModelTask: LearningTask {
    let identifier = TaskIdentifier.causalLanguageModel
    let outputs = OutputKind.tokens
    let predictsTokens = true
    let labelForm = DatasetOptions.LabelForm.name
    let softObjective = "kl"
    let labelObjective = "cross_entropy"
    let labelMetrics: [MetricName] = [
        .accuracy, .loss, .perplexity, .bytePerplexity, .bitsPerByte, .ece, .entropy,
    ]
    let primaryMetric = MetricName.perplexity
    /// With a teacher the distance from it decides: its own text's next tokens tell less of a student.
    let comparedMetrics: [MetricName] = [.kl, .agreement, .perplexity]
    let metricForBest = MetricName.loss
    /// A student is to follow its teacher, which its own text's next tokens tell less of.
    let metricForBestWithTeacher = MetricName.kl
    let shownMetrics: [MetricName] = [
        .perplexity, .loss, .bytePerplexity, .bitsPerByte, .accuracy, .ece, .klMedian, .klHigh,
    ]

    func title(of metric: MetricName) -> String? {
        switch metric {
        case .accuracy: "accuracy of next tokens"
        case .agreement: "agreement of next tokens"
        case .loss: "loss per token"
        default: nil
        }
    }

    /// Conversations are not read from texts with labels; see ``ConversationReader``.
    func targets(of rows: [TextRow], from stream: TextStream, _ map: LabelMap) throws -> Targets {
        throw DistillationError("\(stream.path): a language model is trained on texts without labels")
    }

    /// The rows tell of the teacher too, where the model was evaluated beside one.
    func metrics(_ logits: Logits, _ targets: Targets) throws -> MetricValues {
        var values = TokenStatisticsMetrics.labelMetrics(logits)
        for (name, value) in TokenStatisticsMetrics.teacherMetrics(logits).entries { values[name] = value }
        for metric in [MetricName.bytePerplexity, .bitsPerByte] {
            if let value = byteMeans(of: metric, logits, targets)?.value, !value.isNaN {
                values[metric] = value
            }
        }
        return values
    }

    func primaryValue(_ logits: Logits, _ targets: Targets) -> Double {
        exp(TokenStatisticsMetrics.mean(.studentSurprisal, logits))
    }

    /// Tokens of a text depend on one another, so whole texts are resampled.
    func exampleMeans(of metric: MetricName, _ logits: Logits, _ targets: Targets) -> ExampleMeans? {
        func means(
            _ column: TokenStatisticsMetrics.Column,
            _ metric: @escaping @Sendable (Double) -> Double = { $0 }
        ) -> ExampleMeans {
            let examples = targets.examples
            return ExampleMeans(
                sums: examples.map { rows in
                    rows.reduce(0) { $0 + TokenStatisticsMetrics.value(column, logits[$1]) }
                }, counts: examples.map { Double($0.count) }, metric: metric)
        }
        return switch metric {
        case .kl: means(.divergence)
        case .agreement: means(.agreement)
        case .perplexity: means(.studentSurprisal) { exp($0) }
        case .loss: means(.studentSurprisal)
        case .accuracy: means(.correctness)
        case .bytePerplexity, .bitsPerByte: byteMeans(of: metric, logits, targets)
        default: nil
        }
    }

    /// The loss by bytes of text, as lm-eval's `byte_perplexity` and `bits_per_byte`: special tokens, which are no text, count on
    /// neither side. `nil` where bytes are not known.
    private func byteMeans(
        of metric: MetricName, _ logits: Logits, _ targets: Targets
    ) -> ExampleMeans? {
        guard case .tokens(let tokens) = targets, let bytes = tokens.bytes else { return nil }
        let examples = targets.examples
        return ExampleMeans(
            sums: examples.map { rows in
                rows.reduce(0.0) { sum, row in
                    bytes[row] == 0
                        ? sum : sum + TokenStatisticsMetrics.value(.studentSurprisal, logits[row])
                }
            }, counts: examples.map { rows in rows.reduce(0.0) { $0 + Double(bytes[$1]) } },
            metric: { metric == .bitsPerByte ? $0 / log(2) : exp($0) })
    }

    func byClass(_ logits: Logits, _ targets: Targets, _ names: [String]) -> ClassEvaluation {
        ClassEvaluation()
    }

    func add(_ targets: Targets, student: Logits, teacher: Logits?, to statistics: inout TrainingStatistics) {
        statistics.add(tokens: student)
    }

    func assess(_ logits: Logits, _ targets: Targets) -> TeacherAssessment {
        let counts = targets.classes.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
        return TeacherAssessment(
            metric: .perplexity, value: TokenStatisticsMetrics.mean(.correctness, logits),
            baseline: Double(counts.values.max() ?? 0) / Double(max(1, targets.count)))
    }

    /// A language model writes texts; see `TextGenerator`.
    func predictions(_ logits: Logits, _ labels: [String], threshold: Double) throws -> [Prediction] {
        throw DistillationError("a language model has no classes; use `distill generate`")
    }

    var analysis: (any PredictionComparison)? { nil }

    var card: TaskCard {
        TaskCard(
            pipeline: "text-generation", pipelineTitle: "Text Generation", autoModel: "AutoModelForCausalLM",
            table: [.perplexity, .bitsPerByte, .loss, .accuracy, .kl, .agreement],
            identifiers: ["perplexity", "accuracy"],
            index: [(.perplexity, "perplexity"), (.accuracy, "accuracy")],
            summary: { shape, made, _ in "A language model (\(shape)), \(made)." })
    }
}
