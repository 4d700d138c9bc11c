import Torch

/// A part of a run with objectives of its own: layers first, then logits, as TinyBERT learns (Jiao et al.,
/// arXiv 1909.10351, section 3.2).
public struct TrainingStage: Sendable, Equatable, Codable {
    /// The name in logs; `nil` for its number.
    public var name: String?
    public var objectives: [ObjectiveSpecification]
    /// Overrides of the run's arguments; `nil` for the run's own.
    public var numTrainEpochs: Double?
    public var maxSteps: Int?
    public var learningRate: Double?
    public var lrSchedulerType: LearningRateSchedule.Decay?
    public var warmupSteps: Double?

    public init(name: String? = nil, objectives: [ObjectiveSpecification]) {
        self.name = name
        self.objectives = objectives
    }

    /// Returns the run's arguments with this stage's overrides.
    func arguments(_ run: TrainingArguments) -> TrainingArguments {
        var arguments = run
        arguments.numTrainEpochs = numTrainEpochs ?? run.numTrainEpochs
        // Epochs of a stage's own are not cut short by the run's steps.
        arguments.maxSteps = maxSteps ?? (numTrainEpochs == nil ? run.maxSteps : -1)
        arguments.learningRate = learningRate ?? run.learningRate
        arguments.lrSchedulerType = lrSchedulerType ?? run.lrSchedulerType
        arguments.warmupSteps = warmupSteps ?? run.warmupSteps
        return arguments
    }
}
