/// One of several repetitions.
public struct SeedResult: Sendable, Equatable, Codable {
    public var seed: UInt64
    /// The student's metrics on the test data where there are some, else on the validation data.
    public var student: MetricValues
    public var baseline: MetricValues?
    public var gain: BaselineComparison?
    public var bestEpoch: Double
    public var steps: Int
}

/// The results of several repetitions together.
public struct SeedSummary: Sendable, Equatable, Codable {
    public var runs: [SeedResult]
    /// The seed of the saved model: the best on the validation data.
    public var saved: UInt64
    public var student: Spread
    public var baseline: Spread?
    /// The mean and standard deviation of the differences between student and baseline, seed by seed.
    public var gain: Spread?

    /// Mean and sample standard deviation of the task's metric over the repetitions.
    public struct Spread: Sendable, Equatable, Codable {
        public var metric: MetricName
        public var mean: Double
        /// 0 for a single repetition.
        public var standardDeviation: Double

        init(metric: MetricName, _ values: [Double]) {
            self.metric = metric
            let statistics = SampleStatistics(values)
            mean = statistics?.mean ?? .nan
            standardDeviation = statistics?.standardDeviation ?? 0
        }
    }
}
