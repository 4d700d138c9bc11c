/// The state of a run between two optimizer steps: the trainings that are done, and the one under way.
struct RunState {
    /// The first student's metrics before training; `nil` where they were not computed.
    var initial: MetricValues?
    /// The trainings that are done, in their order.
    var finished: [FinishedTraining] = []
    /// The training under way, with its name within the run; `nil` between two trainings.
    var current: (name: String, state: StagedTraining.State)?

    /// The optimizer steps so far, of all trainings.
    var steps: Int { finished.reduce(0) { $0 + $1.outcome.steps } + (current?.state.stepsDone ?? 0) }

    /// The prefix of the names of trainings that are only compared with.
    static let baseline = "baseline"

    /// The steps after which each training's best checkpoint was evaluated, baselines' left out.
    var bestSteps: Set<Int> {
        var (steps, before) = (Set<Int>(), 0)
        func add(_ name: String, _ history: [EpochMetrics]) {
            guard !name.hasPrefix(Self.baseline), let best = history.last(where: \.isBest) else { return }
            steps.insert(before + best.step)
        }
        for training in finished {
            add(training.name, training.outcome.history)
            before += training.outcome.steps
        }
        if let current { add(current.name, current.state.history + (current.state.trainer?.history ?? [])) }
        return steps
    }
}
