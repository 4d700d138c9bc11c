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
    /// The mean and standard deviation of the improvements of student over baseline, seed by seed.
    public var gain: Spread?
    /// The same by the task's further measures; `nil` where it has one alone.
    public var others: [Measure]?

    /// Mean and sample standard deviation of a metric over the repetitions.
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

    /// A metric over the repetitions, of the student, of the baseline, and of the improvement over it.
    public struct Measure: Sendable, Equatable, Codable {
        public var student: Spread
        public var baseline: Spread?
        public var gain: Spread?
    }
}

extension SeedSummary {
    /// Summarizes repetitions by a task's metrics.
    ///
    /// - Parameters:
    ///   - runs: The repetitions, one or more.
    ///   - saved: The seed of the one that is saved.
    ///   - metrics: The metrics, the primary one first.
    init(_ runs: [SeedResult], saved: UInt64, metrics: [MetricName]) {
        func measure(_ metric: MetricName) -> Measure {
            func spread(_ values: [Double]) -> Spread? {
                values.isEmpty ? nil : Spread(metric: metric, values)
            }
            return Measure(
                student: Spread(metric: metric, runs.compactMap { $0.student[metric] }),
                baseline: spread(runs.compactMap { $0.baseline?[metric] }),
                gain: spread(
                    runs.compactMap { $0.gain?.all.first { $0.metric == metric }?.difference }))
        }
        let measures = metrics.map(measure)
        self.init(
            runs: runs, saved: saved, student: measures[0].student, baseline: measures[0].baseline,
            gain: measures[0].gain, others: measures.count > 1 ? Array(measures.dropFirst()) : nil)
    }
}
