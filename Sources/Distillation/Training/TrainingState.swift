import Torch

/// Everything that a training run depends on from here on: a run restored from it continues bit for bit as if it
/// had never stopped.
///
/// The order of the data and the learning rate are functions of the seed and the step, so they need no
/// state of their own.
public struct TrainingState {
    /// Optimizer steps done.
    public var step: Int
    /// Epochs finished.
    public var epoch: Int
    /// Optimizer steps done within the current epoch.
    public var stepInEpoch: Int
    public var parameters: [String: Tensor]
    /// Parameters that the objectives train in addition to the model's.
    public var learned: [String: Tensor]
    public var optimizer: AdamW.State
    /// The weights' exponential moving averages, where they are kept.
    public var averages: ExponentialMovingAverage.State?
    public var dropout: DropoutState.Position
    /// Sums since the last evaluation.
    public var sums: MetricSums
    /// Sums since the last log step.
    public var logSums: MetricSums
    /// Evaluations so far.
    public var history: [EpochMetrics]
    public var best: Best?
    /// Evaluations since the best one.
    public var evaluationsWithoutGain: Int
    /// The student's own texts of the steps to come; `nil` where there are none.
    var texts: StudentTexts?

    /// The best checkpoint so far.
    public struct Best {
        /// The value of the metric that chooses the best checkpoint, on the validation data.
        public var metric: Double
        public var epoch: Double
        public var parameters: [String: Tensor]
        /// The logits for the validation data, where they were given.
        public var logits: Logits?
    }
}
