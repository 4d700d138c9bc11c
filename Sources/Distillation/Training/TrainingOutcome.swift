/// The result of a training. The model then has the best checkpoint's weights.
struct TrainingOutcome {
    /// The best checkpoint's logits for the validation data.
    var validation: Logits
    /// All evaluations.
    var history: [EpochMetrics]
    /// The best checkpoint's value of the metric that chose it.
    var metric: Double
    var bestEpoch: Double
    var steps: Int
    /// True if it was stopped before its last step.
    var interrupted: Bool
    /// The measurements of the logged steps.
    var log = StepHistory()

    /// The speed of the training, without the evaluations' time; `nil` where none is known.
    var examplesPerSecond: Double? {
        let speeds = history.compactMap(\.examplesPerSecond)
        return speeds.isEmpty ? nil : speeds.reduce(0, +) / Double(speeds.count)
    }
}
