/// What all parts of a run share: its log, the wish to stop it, and its checkpoints.
struct RunContext {
    let log: RunLog
    let stopRequest: () -> StopRequest?
    /// `nil` where none are saved.
    var checkpoints: RunCheckpoints?

    init(
        _ log: RunLog, stopRequest: @escaping () -> StopRequest? = { nil }, checkpoints: RunCheckpoints? = nil
    ) {
        self.log = log
        self.stopRequest = stopRequest
        self.checkpoints = checkpoints
    }

    /// True if the work is to be ended, whichever way.
    func shouldStop() -> Bool { stopRequest() != nil }

    /// True if only a checkpoint is wanted.
    func isLeaving() -> Bool { checkpoints != nil && stopRequest() == .checkpoint }

    /// The same with a log whose measurements are shown but not written.
    var withoutMetrics: RunContext {
        RunContext(log.withoutMetrics(), stopRequest: stopRequest, checkpoints: checkpoints)
    }
}
