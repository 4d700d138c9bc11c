/// What the teacher was worth: a distilled student beside the same student trained without it, on the same examples.
public struct Gain: Sendable, Equatable, Codable {
    /// The metric that is compared.
    public var metric: String
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

/// The models on examples that nothing was chosen by.
public struct TestResults: Sendable, Equatable, Codable {
    public var data: DataRecord
    public var teacher: ModelEvaluation?
    public var student: ModelEvaluation
    public var comparison: Comparison?
    /// The same student trained without the teacher.
    public var baseline: ModelEvaluation?
    public var gain: Gain?
}

/// One of several repetitions.
public struct SeedResult: Sendable, Equatable, Codable {
    public var seed: UInt64
    /// On the test data where there are some, else on the validation data.
    public var student: MetricValues
    public var baseline: MetricValues?
    public var gain: Gain?
    public var bestEpoch: Double
    public var steps: Int
}

/// What several repetitions showed together.
public struct SeedSummary: Sendable, Equatable, Codable {
    public var runs: [SeedResult]
    /// The seed of the saved model: the best on the validation data.
    public var saved: UInt64
    public var student: Spread
    public var baseline: Spread?
    /// Of the differences between student and baseline, seed by seed.
    public var gain: Spread?

    /// Mean and sample standard deviation of the task's metric over the repetitions.
    public struct Spread: Sendable, Equatable, Codable {
        public var metric: String
        public var mean: Double
        /// 0 for a single one.
        public var standardDeviation: Double

        init(metric: String, _ values: [Double]) {
            self.metric = metric
            let mean = values.reduce(0, +) / Double(max(1, values.count))
            self.mean = mean
            let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            standardDeviation = values.count > 1 ? (squares / Double(values.count - 1)).squareRoot() : 0
        }
    }
}
