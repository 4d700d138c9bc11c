import Transformers

/// A measure of a model's quality, by its name in reports and in `metric_for_best_model`.
public enum MetricName: String, CaseIterable, Sendable, Codable {
    /// The fraction of right classes; for multi-label classification, the fraction of examples whose labels are all right.
    case accuracy
    case macroF1 = "macro_f1"
    case microF1 = "micro_f1"
    /// The fraction of predicted entities that are right: type and both ends.
    case precision
    /// The fraction of entities that are found.
    case recall
    /// The harmonic mean of precision and recall of entities.
    case f1
    case matthewsCorrelation = "matthews_correlation"
    /// Pearson's correlation with the labels.
    case pearson
    /// Spearman's rank correlation with the labels.
    case spearman
    /// The normalized discounted cumulative gain of each query's first ten documents, mean over the queries.
    case ndcg = "ndcg@10"
    /// The reciprocal of the place of a query's first relevant document, 0 behind the tenth, mean over the queries.
    case mrr = "mrr@10"
    /// The mean over queries of the average precision at their relevant documents.
    case map
    /// The mean squared error.
    case mse
    /// The mean absolute error.
    case mae
    /// The coefficient of determination.
    case r2
    /// The loss with the labels: cross-entropy, binary cross-entropy, or the mean squared error.
    case loss
    /// The exponential of the mean loss of the next tokens.
    case perplexity
    /// The exponential of the mean loss of a byte of text, by which models with different tokenizers can be compared.
    case bytePerplexity = "byte_perplexity"
    /// The same as a number of bits: the binary logarithm of ``bytePerplexity``.
    case bitsPerByte = "bits_per_byte"
    /// KL(teacher ‖ student) at temperature 1, mean over the examples, or the tokens; for multi-label classification, the
    /// sum over the labels.
    case kl
    /// The median over the tokens of KL(teacher ‖ student).
    case klMedian = "kl_median"
    /// The KL(teacher ‖ student) that 99 % of the tokens do not exceed.
    case klHigh = "kl_99"
    /// The fraction of examples, or of label decisions, on which teacher and student agree; for regression Pearson's
    /// correlation with the teacher.
    case agreement
    /// The F1 of a student's entities where the teacher's are taken for the truth.
    case entityAgreement = "entity_agreement"
    /// The mean squared difference from the teacher's numbers.
    case teacherMSE = "teacher_mse"
    /// The mean over the queries of the average precision of the first hundred documents.
    case mapAt100 = "map@100"
    /// The fraction of relevant documents among the first ten.
    case recallAt10 = "recall@10"
    /// The fraction of texts whose translation is the nearest of all.
    case sourceToTarget = "src2trg_accuracy"
    /// The fraction of translations whose text is the nearest of all.
    case targetToSource = "trg2src_accuracy"
    /// The mean of ``sourceToTarget`` and ``targetToSource``.
    case translationAccuracy = "translation_accuracy"
    /// The mean squared difference of a translation's vector from the teacher's of the text, times 100.
    case translationMSE = "translation_mse"
    /// The expected calibration error.
    case ece
    /// The mean entropy of the model's predictions, in nats.
    case entropy
    /// The mean entropy of the teacher's predictions, in nats.
    case teacherEntropy = "teacher_entropy"

    /// True if a larger value is better. Entropies are no measure of quality: a smaller one counts as more certain.
    public var greaterIsBetter: Bool {
        switch self {
        case .accuracy, .macroF1, .microF1, .precision, .recall, .f1, .matthewsCorrelation, .pearson,
            .spearman, .ndcg, .mrr, .map, .mapAt100, .recallAt10, .r2, .agreement, .entityAgreement,
            .sourceToTarget, .targetToSource, .translationAccuracy:
            true
        case .mse, .mae, .loss, .perplexity, .bytePerplexity, .bitsPerByte, .kl, .klMedian, .klHigh,
            .teacherMSE, .translationMSE, .ece, .entropy,
            .teacherEntropy:
            false
        }
    }

    /// Returns the improvement of a value over another: above 0 where it is the better one.
    public func improvement(of value: Double, over other: Double) -> Double {
        greaterIsBetter ? value - other : other - value
    }

    /// Returns its title in tables.
    ///
    /// - Parameter problemType: The kind of the labels.
    public func title(for problemType: TaskIdentifier) -> String {
        problemType.definition.title(of: self) ?? title
    }

    /// The title in tables of no particular task.
    public var title: String {
        switch self {
        case .accuracy: "accuracy"
        case .macroF1: "macro F1"
        case .microF1: "micro F1"
        case .precision: "precision"
        case .recall: "recall"
        case .f1: "F1"
        case .entityAgreement: "entity agreement"
        case .matthewsCorrelation: "Matthews correlation"
        case .pearson: "Pearson correlation"
        case .spearman: "Spearman correlation"
        case .ndcg: "nDCG@10"
        case .mrr: "MRR@10"
        case .map: "MAP"
        case .mse: "mean squared error"
        case .mae: "mean absolute error"
        case .r2: "R²"
        case .loss: "loss"
        case .perplexity: "perplexity"
        case .bytePerplexity: "perplexity by byte"
        case .bitsPerByte: "bits per byte"
        case .kl: "KL to teacher"
        case .klMedian: "KL to teacher, median"
        case .klHigh: "KL to teacher, 99 %"
        case .agreement: "agreement"
        case .teacherMSE: "mean squared difference from teacher"
        case .mapAt100: "MAP@100"
        case .recallAt10: "recall@10"
        case .sourceToTarget: "text to translation"
        case .targetToSource: "translation to text"
        case .translationAccuracy: "translation accuracy"
        case .translationMSE: "translations from teacher, MSE × 100"
        case .ece: "calibration error"
        case .entropy: "entropy"
        case .teacherEntropy: "teacher's entropy"
        }
    }

    /// The metric by which models of a task are compared: accuracy, micro F1, Pearson's correlation, the entities' F1, or
    /// perplexity.
    public static func ofTask(_ task: TaskIdentifier) -> MetricName { task.definition.primaryMetric }

    /// The metric that chooses the best checkpoint where none is named.
    ///
    /// - Parameters:
    ///   - task: What the labels are.
    ///   - hasTeacher: Whether there is a teacher to compare with.
    public static func defaultForBest(_ task: TaskIdentifier, hasTeacher: Bool = false) -> MetricName {
        hasTeacher ? task.definition.metricForBestWithTeacher : task.definition.metricForBest
    }

    /// The metrics that a run computes, in their order.
    ///
    /// - Parameters:
    ///   - problemType: What the labels are.
    ///   - hasTeacher: Whether there is a teacher to compare with.
    public static func available(for problemType: TaskIdentifier, hasTeacher: Bool) -> [MetricName] {
        let task = problemType.definition
        let all = task.labelMetrics + task.furtherMetrics + (hasTeacher ? task.teacherMetrics : [])
        return allCases.filter(all.contains)
    }

    /// Reads `metric_for_best_model`.
    ///
    /// - Parameters:
    ///   - name: The metric's name; `nil`, or transformers' `eval_` before it, are taken too.
    ///   - problemType: What the labels are.
    ///   - hasTeacher: Whether there is a teacher to compare with.
    ///   - setting: The setting that gives the name, for an error.
    /// - Returns: The metric of that name; the problem type's own where there is none.
    /// - Throws: ``DistillationError``, which lists the metrics there are.
    public static func forBest(
        _ name: String?, problemType: TaskIdentifier, hasTeacher: Bool,
        setting: String = "metric_for_best_model"
    ) throws -> MetricName {
        guard let name else { return defaultForBest(problemType, hasTeacher: hasTeacher) }
        let plain = name.hasPrefix("eval_") ? String(name.dropFirst(5)) : name
        let available = available(for: problemType, hasTeacher: hasTeacher)
        guard let metric = MetricName(rawValue: plain), available.contains(metric) else {
            let list = available.map(\.rawValue).joined(separator: ", ")
            throw DistillationError(
                "\(setting): there is no metric '\(name)' here (\(problemType.rawValue)"
                    + "\(hasTeacher ? "" : ", no teacher")); the metrics are \(list)")
        }
        return metric
    }
}
