/// What happens during a run, for whoever shows it.
public enum RunEvent: Sendable {
    /// A part of the run began, for example "Teacher logits".
    case phaseStarted(String)
    /// That part ended.
    case phaseFinished(String, seconds: Double)
    /// Within the present phase, `completed` of `total` are done; `detail` holds the current losses, if any.
    case progress(completed: Int, total: Int, unit: String, detail: String)
    /// One optimiser step out of `loggingSteps`.
    case step(StepMetrics)
    /// The student was evaluated on the validation data.
    case evaluated(EpochMetrics)
    /// Something the user may want to know.
    case note(String)
    /// Something the user must not miss.
    case warning(String)
}

/// What one logged optimiser step showed: means since the last one.
public struct StepMetrics: Sendable, Equatable, Codable {
    public var step: Int
    public var totalSteps: Int
    /// With fraction.
    public var epoch: Double
    public var loss: Double
    /// T² · KL(teacher ‖ student) at temperature T; `nil` without a teacher.
    public var softLoss: Double?
    /// Cross-entropy with the labels.
    public var hardLoss: Double?
    /// KL(teacher ‖ student) at temperature 1; `nil` without a teacher.
    public var kl: Double?
    public var learningRate: Double
    public var gradNorm: Double
    public var examplesPerSecond: Double
}

/// What an epoch brought: training means, and the student on the validation data.
public struct EpochMetrics: Sendable, Equatable, Codable {
    public var epoch: Double
    public var step: Int
    public var trainLoss: Double
    public var trainSoftLoss: Double?
    public var trainHardLoss: Double?
    public var trainKL: Double?
    /// The share of training examples on which student and teacher chose the same class, while training.
    public var trainAgreement: Double?
    public var evalAccuracy: Double
    public var evalMacroF1: Double
    /// Cross-entropy with the labels.
    public var evalHardLoss: Double
    /// KL(teacher ‖ student) at temperature 1.
    public var evalKL: Double?
    /// The share of examples on which student and teacher choose the same class.
    public var evalAgreement: Double?
    public var isBest: Bool
    public var seconds: Double

    // JSONEncoder's snake case and its way back agree only where "KL" is written "Kl".
    private enum CodingKeys: String, CodingKey {
        case epoch, step, trainLoss, trainSoftLoss, trainHardLoss, trainAgreement, evalAccuracy, evalMacroF1
        case evalHardLoss, evalAgreement, isBest, seconds
        case trainKL = "trainKl"
        case evalKL = "evalKl"
    }
}
