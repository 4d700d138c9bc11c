/// The state of a run between two optimizer steps: the trainings that are done, and the one under way.
struct RunState {
    /// The trainings that are done, in their order.
    var finished: [FinishedTraining] = []
    /// The training under way, with its name within the run; `nil` between two trainings.
    var current: (name: String, state: StagedTraining.State)?

    /// The optimizer steps so far, of all trainings.
    var steps: Int { finished.reduce(0) { $0 + $1.outcome.steps } + (current?.state.stepsDone ?? 0) }

    /// The steps after which the best checkpoint of the training under way was evaluated; `nil` where none was.
    var bestStep: Int? {
        guard let current, current.state.best != nil else { return nil }
        let evaluations = current.state.history + (current.state.trainer?.history ?? [])
        let before = finished.reduce(0) { $0 + $1.outcome.steps }
        return evaluations.last { $0.isBest }.map { before + $0.step }
    }
}
