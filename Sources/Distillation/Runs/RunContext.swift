/// What all parts of a run share: its log, the wish to stop it, and its checkpoints.
struct RunContext {
    let log: RunLog
    let stopRequest: () -> StopRequest?
    /// `nil` where none are saved.
    var checkpoints: RunCheckpoints?
    /// The processes that make the run; `nil` for this one alone.
    var processes: Processes?

    init(
        _ log: RunLog, stopRequest: @escaping () -> StopRequest? = { nil },
        checkpoints: RunCheckpoints? = nil, processes: Processes? = nil
    ) {
        self.log = log
        self.stopRequest = stopRequest
        self.checkpoints = checkpoints
        self.processes = processes
    }

    /// True if the work is to be ended, whichever way.
    func shouldStop() -> Bool { stopRequest() != nil }

    /// True if only a checkpoint is wanted.
    ///
    /// Several processes leave after a step, all after the same.
    func isLeaving() -> Bool { processes == nil && checkpoints != nil && stopRequest() == .checkpoint }

    /// The same with a log whose measurements are shown but not written.
    var withoutMetrics: RunContext {
        RunContext(
            log.withoutMetrics(), stopRequest: stopRequest, checkpoints: checkpoints, processes: processes)
    }
}
