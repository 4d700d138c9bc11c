/// The improvement over the baseline: a distilled student compared with the same student trained without the teacher, on
/// the same examples.
public struct BaselineComparison: Sendable, Equatable, Codable {
    /// The metric that is compared: the task's own; of a language model the KL divergence from its teacher.
    public var metric: MetricName
    public var student: Double
    public var baseline: Double
    /// By how much the student is better, above 0 where the teacher helped: the student's metric minus the baseline's, and the
    /// other way round for a metric of which less is better.
    public var difference: Double
    /// The 95 % confidence interval of the difference by the paired bootstrap (Efron and Tibshirani, 1993): both models
    /// are evaluated on the same resampled examples.
    public var low: Double
    public var high: Double
    /// Twice the fraction of resamples in which the difference has the other sign.
    public var pValue: Double
    /// The same by the task's further measures; `nil` where it has one alone.
    public var others: [BaselineComparison]?

    /// This comparison, and those by further measures.
    public var all: [BaselineComparison] { [self] + (others ?? []) }
}

extension BaselineComparison {
    /// Compares two models on the same examples.
    ///
    /// - Parameters:
    ///   - student: The student's outputs for all examples.
    ///   - baseline: Those of the same student trained without the teacher.
    ///   - targets: The labels of the examples.
    ///   - metrics: The metrics, the one that decides first; `nil` for the task's.
    ///   - seed: The seed of the resampling.
    /// - Throws: ``DistillationError`` without examples.
    init(_ student: Logits, _ baseline: Logits, targets: Targets, metrics: [MetricName]? = nil, seed: UInt64)
        throws
    {
        let labeled = targets.labeledIndices
        let models = (student: student.subset(labeled), baseline: baseline.subset(labeled))
        let labels = targets.subset(labeled)
        // Beside no teacher nothing is known of its metrics.
        let all = metrics ?? targets.task.definition.comparedMetrics
        let known = all.filter { !Self.value(of: $0, models.student, labels).isNaN }
        let metrics = known.isEmpty ? all : known
        self = try Self.comparison(by: metrics[0], models, labels, seed)
        if metrics.count > 1 {
            others = try metrics.dropFirst().map { try Self.comparison(by: $0, models, labels, seed) }
        }
    }

    private typealias Models = (student: Logits, baseline: Logits)

    private static func comparison(
        by metric: MetricName, _ models: Models, _ labels: Targets, _ seed: UInt64
    ) throws -> BaselineComparison {
        let task = labels.task.definition
        let (own, other) = models
        if let means = task.exampleMeans(of: metric, own, labels),
            let others = task.exampleMeans(of: metric, other, labels)
        {
            let bootstrap = try PairedBootstrap(count: means.count, resamples: 1000, seed: seed) { drawn in
                metric.improvement(of: means.value(of: drawn), over: others.value(of: drawn))
            }
            return BaselineComparison(metric, means.value, others.value, bootstrap)
        }
        return BaselineComparison(
            metric, value(of: metric, own, labels), value(of: metric, other, labels),
            try bootstrap(of: metric, models, labels, seed))
    }

    private static func value(of metric: MetricName, _ logits: Logits, _ labels: Targets) -> Double {
        let task = labels.task.definition
        if metric == task.primaryMetric { return task.primaryValue(logits, labels) }
        return (try? task.metrics(logits, labels))?[metric] ?? .nan
    }

    /// The differences of a metric over the draws.
    private static func bootstrap(
        of metric: MetricName, _ models: Models, _ labels: Targets, _ seed: UInt64
    ) throws -> PairedBootstrap {
        let task = labels.task.definition
        let (own, other) = models
        let isPrimary = metric == task.primaryMetric
        if isPrimary, let scores = task.rowScores(own, labels), let others = task.rowScores(other, labels) {
            // A mean over rows is quickly resampled.
            return try PairedBootstrap(scores: scores, others: others, seed: seed)
        }
        if isPrimary, let counts = task.exampleCounts(own, labels),
            let others = task.exampleCounts(other, labels)
        {
            func f1(_ counts: [F1Counts], _ drawn: [Int]) -> Double {
                drawn.reduce(into: F1Counts()) { $0 += counts[$1] }.f1
            }
            return try PairedBootstrap(count: counts.count, resamples: 1000, seed: seed) { drawn in
                f1(counts, drawn) - f1(others, drawn)
            }
        }
        // The unit of resampling is an example with all of its rows.
        let examples = labels.examples
        return try PairedBootstrap(count: examples.count, resamples: 1000, seed: seed) { drawn in
            let (rows, drawnLabels) = labels.drawing(examples, drawn)
            return metric.improvement(
                of: value(of: metric, own.rows(rows), drawnLabels),
                over: value(of: metric, other.rows(rows), drawnLabels))
        }
    }

    private init(
        _ metric: MetricName, _ student: Double, _ baseline: Double, _ bootstrap: PairedBootstrap
    ) {
        self.init(
            metric: metric, student: student, baseline: baseline, difference: bootstrap.difference,
            low: bootstrap.lower, high: bootstrap.upper, pValue: bootstrap.pValue)
    }
}
