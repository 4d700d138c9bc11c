import Torch

extension Trainer {
    /// Returns a copy of everything that the rest of the run depends on. It ends an evaluation that was begun.
    public func state() throws -> TrainingState {
        try endEvaluation()
        try readSteps()
        try optimizer.synchronize()
        return TrainingState(
            step: step, epoch: epoch, stepInEpoch: stepInEpoch, parameters: try model.snapshot(),
            learned: try learned.snapshot(), optimizer: try optimizer.state(),
            averages: try averages?.state(),
            dropout: dropout.position, sums: sums, logSums: meter.sums, history: history, best: best,
            evaluationsWithoutGain: evaluationsWithoutGain)
    }

    /// Resumes from a state of a trainer with the same model, data and arguments.
    ///
    /// - Throws: `TorchError` where the state is of another model.
    public func restore(_ state: TrainingState) throws {
        try endEvaluation()
        prefetcher = nil
        try model.restore(state.parameters)
        try learned.restore(state.learned)
        try optimizer.restore(state.optimizer)
        if let averages, let saved = state.averages { try averages.restore(saved) }
        dropout.position = state.dropout
        step = state.step
        epoch = state.epoch
        stepInEpoch = state.stepInEpoch
        sums = state.sums
        meter = StepMeter(state.logSums)
        history = state.history
        best = state.best
        evaluationsWithoutGain = state.evaluationsWithoutGain
    }
}
