/// An optimizer step as ``Trainer/advance()`` reports it.
public struct TrainingStep: Sendable {
    /// The progress of the run, with the step's losses.
    public var progress: RunProgress
    /// The means since the last log step; `nil` between log steps.
    public var metrics: StepMetrics?
    /// True if the model is to be evaluated now: at the end of an epoch, every `evalSteps`, and after the last step.
    public var isEvaluationDue: Bool
}
