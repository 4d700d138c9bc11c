/// The improvement over the baseline: a distilled student compared with the same student trained without the teacher, on
/// the same examples.
public struct BaselineComparison: Sendable, Equatable, Codable {
    /// The metric that is compared: the task's own.
    public var metric: MetricName
    public var student: Double
    public var baseline: Double
    /// Above 0 where the teacher helped.
    public var difference: Double
    /// The 95 % confidence interval of the difference by the paired bootstrap (Efron and Tibshirani, 1993): both models
    /// are evaluated on the same resampled examples.
    public var low: Double
    public var high: Double
    /// Twice the fraction of resamples in which the difference has the other sign.
    public var pValue: Double
}

extension BaselineComparison {
    /// Compares two models on the same examples, by the task's metric.
    ///
    /// - Throws: ``DistillationError`` without examples.
    init(_ student: Logits, _ baseline: Logits, targets: Targets, seed: UInt64) throws {
        let task = targets.task.definition
        let all = targets.labeledIndices
        let (own, other, labels) = (student.subset(all), baseline.subset(all), targets.subset(all))
        let bootstrap: PairedBootstrap
        if let scores = task.rowScores(own, labels), let others = task.rowScores(other, labels) {
            // A mean over rows is quickly resampled.
            bootstrap = try PairedBootstrap(scores: scores, others: others, seed: seed)
        } else if let means = task.exampleMeans(own, labels), let others = task.exampleMeans(other, labels) {
            func mean(_ means: [(sum: Double, count: Int)], _ drawn: [Int]) -> Double {
                let (sum, count) = drawn.reduce((0.0, 0)) { ($0.0 + means[$1].sum, $0.1 + means[$1].count) }
                return sum / Double(max(1, count))
            }
            bootstrap = try PairedBootstrap(count: means.count, resamples: 1000, seed: seed) { drawn in
                mean(means, drawn) - mean(others, drawn)
            }
        } else if let counts = task.exampleCounts(own, labels), let others = task.exampleCounts(other, labels)
        {
            func f1(_ counts: [F1Counts], _ drawn: [Int]) -> Double {
                drawn.reduce(into: F1Counts()) { $0 += counts[$1] }.f1
            }
            bootstrap = try PairedBootstrap(count: counts.count, resamples: 1000, seed: seed) { drawn in
                f1(counts, drawn) - f1(others, drawn)
            }
        } else {
            // The unit of resampling is an example with all of its rows.
            let examples = labels.examples
            bootstrap = try PairedBootstrap(count: examples.count, resamples: 1000, seed: seed) { drawn in
                let (rows, drawnLabels) = labels.drawing(examples, drawn)
                return task.primaryValue(own.rows(rows), drawnLabels)
                    - task.primaryValue(other.rows(rows), drawnLabels)
            }
        }
        self.init(
            metric: task.primaryMetric, student: task.primaryValue(own, labels),
            baseline: task.primaryValue(other, labels),
            difference: bootstrap.difference, low: bootstrap.lower, high: bootstrap.upper,
            pValue: bootstrap.pValue)
    }
}
