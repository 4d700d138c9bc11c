extension StagedTraining {
    /// Everything that the rest of a training through its stages depends on.
    struct State {
        var finishedStages: Int
        /// The evaluations of the finished stages.
        var history: [EpochMetrics]
        /// The optimizer steps of the finished stages.
        var steps: Int
        var log: StepHistory
        /// The best checkpoint of all stages.
        var best: TrainingState.Best?
        /// The current stage; `nil` between two stages.
        var trainer: TrainingState?
        /// True if the evaluation that is due has not been made.
        var isEvaluationDue: Bool

        /// The optimizer steps so far.
        var stepsDone: Int { steps + (trainer?.step ?? 0) }
    }
}
