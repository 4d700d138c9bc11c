/// What the teacher was worth: a distilled student beside the same student trained without it, on the same examples.
public struct Gain: Sendable, Equatable, Codable {
    /// The metric that is compared: the task's own.
    public var metric: MetricName
    public var student: Double
    public var baseline: Double
    /// Above 0 where the teacher helped.
    public var difference: Double
    /// The 95 % confidence interval of the difference by the paired bootstrap (Efron and Tibshirani, 1993): both models
    /// are judged on the same resampled examples.
    public var low: Double
    public var high: Double
    /// The share of resamples, doubled, in which the difference has the other sign.
    public var pValue: Double
}

extension Gain {
    /// Compares two models on the same examples, by the task's metric.
    ///
    /// - Throws: ``DistillationError`` without examples.
    init(_ student: Logits, _ baseline: Logits, targets: Targets, seed: UInt64) throws {
        let metric = MetricName.ofTask(targets.problemType)
        func value(_ logits: Logits, _ places: [Int]) throws -> Double {
            try Evaluator.taskMetric(logits.subset(places), targets: targets.subset(places))
        }
        let all = targets.labelledIndices
        let bootstrap: PairedBootstrap
        if case .classes(let classes, _) = targets {
            // Accuracy is a mean over examples, and so quickly resampled.
            func scores(_ logits: Logits) -> [Double] {
                let predictions = logits.predictions
                return all.map { predictions[$0] == classes[$0] ? 1 : 0 }
            }
            bootstrap = try PairedBootstrap(scores: scores(student), others: scores(baseline), seed: seed)
        } else {
            bootstrap = try PairedBootstrap(count: all.count, resamples: 1000, seed: seed) { drawn in
                let places = drawn.map { all[$0] }
                return try value(student, places) - value(baseline, places)
            }
        }
        self.init(
            metric: metric, student: try value(student, all), baseline: try value(baseline, all),
            difference: bootstrap.difference, low: bootstrap.lower, high: bootstrap.upper,
            pValue: bootstrap.pValue)
    }
}
