import Torch

/// A training of a run that was done before the run was resumed: its result, and the weights that it led to.
struct FinishedTraining {
    /// The training's name within the run, such as `student-42`.
    let name: String
    let outcome: TrainingOutcome
    let parameters: [String: Tensor]
}
