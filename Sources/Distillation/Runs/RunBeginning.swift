import Foundation

/// How a run begins, once its settings, models and data are known to fit: it is finished already, or it starts, or goes on from a
/// checkpoint.
struct RunBeginning {
    /// Everything that decides the run's weights.
    let identity: RunIdentity
    /// The report of the same run, where it is finished already.
    let finished: RunReport?
    let context: RunContext
    let checkpoints: RunCheckpoints

    /// - Parameters:
    ///   - request: The run's settings.
    ///   - identity: Of the run, as this process sees it.
    ///   - output: Where the model is saved; `nil` in other processes than the first.
    ///   - processes: The processes that make the run; `nil` for this one alone.
    /// - Throws: ``DistillationError`` where another process would do another run; ``ResumeError``; what is wrong with the
    ///   checkpoints.
    init(
        _ request: some ResumableRequest, identity: RunIdentity, output: OutputDirectory?, log: RunLog,
        stopRequest: @escaping () -> StopRequest?, processes: Processes?
    ) throws {
        var identity = identity
        if let processes {
            identity.machine[RunIdentity.threads] = nil
            try processes.requireSame(identity)
        }
        self.identity = identity
        log.compare(identity, with: request.reproduced)
        finished = try processes.fromFirst { [identity] in
            try output?.claim(for: identity, request.checkpoints, log)
        }
        checkpoints =
            try finished == nil
            ? RunCheckpoints.open(
                for: request.output, request.checkpoints, identity: identity, overwrite: request.overwrite,
                log: log, processes: processes)
            : RunCheckpoints(
                following: nil, for: request.output, request.checkpoints, identity: identity, log: log)
        context = RunContext(
            log, stopRequest: stopRequest, checkpoints: checkpoints, processes: processes)
        if finished == nil, let note = processes?.note(request.training) { log.send(.note(note)) }
    }
}

/// The settings of a run that can go on from a checkpoint.
protocol ResumableRequest {
    var output: URL { get }
    var overwrite: Bool { get }
    var checkpoints: CheckpointOptions { get }
    var training: TrainingArguments { get }
    var reproduced: RunIdentity? { get }
}

extension DistillRequest: ResumableRequest {}
extension FineTuneRequest: ResumableRequest {}
