/// What happens during a run, for whoever shows it.
public enum RunEvent: Sendable, Equatable {
    /// A part of the run began, for example "Teacher logits".
    case phaseStarted(String)
    /// That part ended.
    case phaseFinished(String, seconds: Double)
    /// How far the present phase is.
    case progress(RunProgress)
    /// One optimiser step out of `loggingSteps`.
    case step(StepMetrics)
    /// The student was evaluated on the validation data.
    case evaluated(EpochMetrics)
    /// Something the user may want to know.
    case note(String)
    /// Something the user must not miss.
    case warning(String)
}

/// How far a part of a run is.
public struct RunProgress: Sendable, Equatable {
    public var completed: Int
    /// `nil` where it is not known how much there will be.
    public var total: Int?
    /// What is counted, in the singular.
    public var unit: String
    /// The examples that went through so far, by which the speed is told.
    public var examples: Int
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

/// What one logged optimiser step showed: means since the last one.
public struct StepMetrics: Sendable, Equatable, Codable {
    /// Of the run, all its stages together.
    public var step: Int
    public var totalSteps: Int
    /// With fraction.
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

/// What an evaluation showed: training means since the one before, and the student on the validation data.
public struct EpochMetrics: Sendable, Equatable, Codable {
    public var epoch: Double
    /// Of the run, all its stages together.
    public var step: Int
    /// `nil` in a run of one stage.
    public var stage: String?
    public var trainLoss: Double
    /// Each objective's loss before its weight.
    public var trainTerms: NamedValues
    /// What ``StepMetrics/metrics`` holds.
    public var train: MetricValues
    /// The student on the validation data.
    public var validation: MetricValues
    public var isBest: Bool
    /// Since the evaluation before, this one included.
    public var seconds: Double
    /// In training since the evaluation before, without the evaluations' own time.
    public var examplesPerSecond: Double?
}
