/// What one run of a trial, on one fold, brought.
public struct TrialResult: Sendable, Equatable {
    /// The metric that is searched for.
    public var metric: Double
    /// Other metrics by name.
    public var metrics: [String: Double]
    /// How long the run took.
    public var seconds: Double
    /// The speed of its training.
    public var examplesPerSecond: Double?

    /// A run's result.
    ///
    /// - Parameters:
    ///   - metric: The metric that is searched for.
    ///   - metrics: Other metrics by name.
    ///   - seconds: How long the run took.
    ///   - examplesPerSecond: The speed of its training.
    public init(
        metric: Double, metrics: [String: Double] = [:], seconds: Double, examplesPerSecond: Double? = nil
    ) {
        self.metric = metric
        self.metrics = metrics
        self.seconds = seconds
        self.examplesPerSecond = examplesPerSecond
    }
}
