/// A progress event of a run.
public enum RunEvent: Sendable, Equatable {
    /// A part of the run began, for example "Teacher logits".
    case phaseStarted(String)
    /// That part ended.
    case phaseFinished(String, seconds: Double)
    /// The progress of the current phase.
    case progress(RunProgress)
    /// One optimizer step out of `loggingSteps`.
    case step(StepMetrics)
    /// The student was evaluated on the validation data.
    case evaluated(EpochMetrics)
    /// Something the user may want to know.
    case note(String)
    /// Something the user must not miss.
    case warning(String)
}

/// The progress of a part of a run.
public struct RunProgress: Sendable, Equatable {
    public var completed: Int
    /// `nil` where the total is unknown.
    public var total: Int?
    /// The unit of the counts, in the singular.
    public var unit: String
    /// The examples processed so far, from which the speed is computed.
    public var examples: Int
    /// What ``examples`` counts, in the singular: other than examples in parts of a run that read none.
    public var counted = "example"
    /// The current losses, if any: fields with two spaces between them, the most important first.
    public var detail: String

    public init(completed: Int, total: Int?, unit: String, examples: Int, detail: String = "") {
        self.completed = completed
        self.total = total
        self.unit = unit
        self.examples = examples
        self.detail = detail
    }
}

/// The measurements of a logged optimizer step: means since the last one.
public struct StepMetrics: Sendable, Equatable, Codable {
    /// The step within the run, counted over all its stages.
    public var step: Int
    public var totalSteps: Int
    /// Fractional within an epoch.
    public var epoch: Double
    /// `nil` in a run of one stage.
    public var stage: String?
    /// The weighted sum of the terms.
    public var loss: Double
    /// Each objective's loss before its weight.
    public var terms: NamedValues
    /// Accuracy, KL(teacher ‖ student) at temperature 1, agreement with the teacher, the entropies of both, expected
    /// calibration error: on training examples, while training.
    public var metrics: MetricValues
    public var learningRate: Double
    public var gradNorm: Double
    public var examplesPerSecond: Double
}

/// The result of an evaluation: training means since the previous one, and the student on the validation data.
public struct EpochMetrics: Sendable, Equatable, Codable {
    public var epoch: Double
    /// The step within the run, counted over all its stages.
    public var step: Int
    /// `nil` in a run of one stage.
    public var stage: String?
    public var trainLoss: Double
    /// Each objective's loss before its weight.
    public var trainTerms: NamedValues
    /// The means of ``StepMetrics/metrics`` since the previous evaluation.
    public var train: MetricValues
    /// The student on the validation data.
    public var validation: MetricValues
    public var isBest: Bool
    /// Seconds since the previous evaluation, this one included.
    public var seconds: Double
    /// The speed of training since the previous evaluation, without the evaluations' own time.
    public var examplesPerSecond: Double?
}
