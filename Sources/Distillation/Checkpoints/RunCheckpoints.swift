import Files
import Foundation
import Torch
import Transformers

/// The checkpoints of a run: what it goes on from, and what it saves on its way.
///
/// A run does the same things in the same order each time. It asks here, by a training's name, for what was done before, and
/// says here what it has done since.
final class RunCheckpoints {
    private let folder: CheckpointFolder
    private let options: CheckpointOptions
    private let identity: RunIdentity
    private let log: RunLog
    private let writer: CheckpointWriter
    /// The trainings that are done.
    private var finished: [FinishedTraining]
    /// The first student's metrics before training; `nil` where they were not computed.
    var initial: MetricValues?
    /// The training that was under way, until it goes on.
    private var resumed: (name: String, state: StagedTraining.State)?
    private var pace: CheckpointPace
    /// The steps of the last checkpoint that is in the folder; `nil` before the first.
    private var savedSteps: Int?
    /// True in the process that saves: the first of those that make a run together.
    private let isWriter: Bool
    /// The checkpoint that the run goes on from; `nil` where it starts anew.
    let source: URL?

    /// Opens an output's checkpoints, and reads the one that the run goes on from.
    ///
    /// - Parameters:
    ///   - output: The directory in which the run's model is saved; the run holds its lock.
    ///   - overwrite: True if checkpoints of an earlier run may be removed.
    /// - Throws: ``DistillationError`` for a checkpoint of another run, and where there are checkpoints that would be lost;
    ///   the error of the last checkpoint where none can be read.
    init(
        for output: URL, _ options: CheckpointOptions, identity: RunIdentity, overwrite: Bool, log: RunLog
    ) throws {
        folder = CheckpointFolder(for: output)
        (self.options, self.identity, self.log) = (options, identity, log)
        log.tell(folder.removeLeftovers())
        isWriter = true
        let source = try Self.source(folder, options, identity, overwrite: overwrite, log)
        self.source = source?.url
        finished = source?.state.finished ?? []
        (initial, resumed) = (source?.state.initial, source?.state.current)
        let folder = folder
        savedSteps = source.flatMap { folder.holds($0.url) ? $0.state.steps : nil }
        writer = CheckpointWriter(folder)
        pace = CheckpointPace(saveSteps: options.saveSteps)
        guard let source else {
            folder.remove { _ in true }
            return
        }
        log.send(.note("Goes on from \(source.url.path) (step \(source.state.steps))."))
        // Baselines have no curves.
        if let current = source.state.current, !current.name.hasPrefix(RunState.baseline) {
            log.resume(step: current.state.stepsDone)
        }
    }

    /// Reads the checkpoint that process 0 goes on from, in another process of the run.
    ///
    /// - Parameter source: Its directory; `nil` where the run starts anew.
    /// - Throws: ``DistillationError`` where it cannot be read here.
    init(
        following source: URL?, for output: URL, _ options: CheckpointOptions, identity: RunIdentity,
        log: RunLog
    ) throws {
        folder = CheckpointFolder(for: output)
        (self.options, self.identity, self.log) = (options, identity, log)
        (isWriter, self.source) = (false, source)
        writer = CheckpointWriter(folder)
        pace = CheckpointPace(saveSteps: options.saveSteps)
        finished = []
        guard let source else { return }
        guard FileManager.default.fileExists(atPath: source.path) else {
            throw DistillationError(
                "\(source.path): process 0 goes on from this checkpoint, which is not there on this machine; put the output on a "
                    + "disk that all machines share, or copy it to the same path")
        }
        let state = try Self.read(source, identity).state
        (finished, initial, resumed) = (state.finished, state.initial, state.current)
    }

    /// Opens a run's checkpoints in each of the processes that make it.
    static func open(
        for output: URL, _ options: CheckpointOptions, identity: RunIdentity, overwrite: Bool, log: RunLog,
        processes: Processes?
    ) throws -> RunCheckpoints {
        var own: RunCheckpoints?
        let source = try processes.fromFirst {
            let made = try RunCheckpoints(
                for: output, options, identity: identity, overwrite: overwrite, log: log)
            own = made
            return made.source
        }
        return try own
            ?? RunCheckpoints(following: source, for: output, options, identity: identity, log: log)
    }

    // MARK: - What was done before

    private struct Source {
        let state: RunState
        let url: URL
    }

    /// Finds the checkpoint to go on from.
    private static func source(
        _ folder: CheckpointFolder, _ options: CheckpointOptions, _ identity: RunIdentity, overwrite: Bool,
        _ log: RunLog
    ) throws -> Source? {
        let there = folder.checkpoints
        switch options.resume {
        case nil:
            guard let last = there.last, !overwrite else { return nil }
            throw DistillationError(
                "\(folder.url.path): there are checkpoints of an earlier run (the last of step \(last.steps)); pass "
                    + "--resume to go on with it, or --overwrite to start anew")
        case .checkpoint(let url):
            if let last = there.last, !overwrite, !folder.holds(url) {
                // Others than this run's must not go.
                _ = try read(last.url, identity)
            }
            return try read(url, identity)
        case .auto where there.isEmpty: return nil
        case .auto, .latest:
            guard !there.isEmpty else {
                throw DistillationError(
                    "\(folder.url.path): there is no checkpoint to resume from; pass --resume auto to start anew where there is "
                        + "none")
            }
            return try latest(there, identity, log)
        }
    }

    /// Reads the last checkpoint that is whole. Damaged ones are told.
    private static func latest(
        _ checkpoints: [(steps: Int, url: URL)], _ identity: RunIdentity, _ log: RunLog
    ) throws -> Source {
        var failure: (any Error)?
        for (_, url) in checkpoints.reversed() {
            do { return try read(url, identity) } catch let error as ResumeError {
                throw error
            } catch {
                failure = failure ?? error
                log.warnOnce("\(error); the checkpoint \(url.lastPathComponent) is not used")
            }
        }
        throw DistillationError(
            "none of the checkpoints can be read; the last one: \(failure.map { "\($0)" } ?? "")")
    }

    private static func read(_ url: URL, _ identity: RunIdentity) throws -> Source {
        guard CheckpointFolder.isCheckpoint(url) else {
            throw DistillationError(
                "\(url.path): is no checkpoint (it has no \(Checkpoint.sumsName)); give a directory such as "
                    + "student.checkpoints/checkpoint-120")
        }
        let record = try Checkpoint.open(url)
        let differences = identity.differences(from: record.identity)
        guard differences.isEmpty else { throw ResumeError(url, differences) }
        return Source(state: try RunState(record, in: url), url: url)
    }

    /// A training that was done before the run was resumed; `nil` where it has to be done.
    func finished(_ name: String) -> FinishedTraining? { finished.first { $0.name == name } }

    /// Sets a training to where it was, where it was under way.
    func restore(_ training: StagedTraining, _ name: String) throws {
        guard let (resumedName, state) = resumed, resumedName == name else { return }
        try training.restore(state)
        resumed = nil
    }

    // MARK: - What is saved

    /// Returns true where a checkpoint of a training is to be saved now.
    ///
    /// - Parameter isImproved: True after an evaluation that gave a new best checkpoint.
    func isDue(_ training: StagedTraining, isImproved: Bool) throws -> Bool {
        guard isWriter, doneSteps + training.stepsDone != savedSteps else { return false }
        guard pace.isDue(steps: training.stepsDone) || (isImproved && options.retention == .best) else {
            return false
        }
        takeResult()
        return pace.isWorthIt || options.saveSteps != nil || isImproved
    }

    /// Saves a checkpoint now, and waits until it is on the disk.
    ///
    /// - Parameter training: The training under way; `nil` between two.
    /// - Returns: Its directory.
    /// - Throws: The reason why it could not be saved.
    @discardableResult
    func saveNow(_ training: StagedTraining?, _ name: String) throws -> URL {
        let steps = doneSteps + (training?.stepsDone ?? 0)
        takeResult()
        if steps != savedSteps {
            try save(training, name)
            if let error = writer.finish()?.error {
                savedSteps = nil
                throw error
            }
        }
        return folder.checkpoint(steps)
    }

    /// Saves a checkpoint because the run is to stop.
    ///
    /// - Throws: ``InterruptedError`` where nothing else is wanted; the reason why it could not be saved.
    func stop(_ training: StagedTraining?, _ name: String, _ request: StopRequest?) throws {
        switch request {
        case nil: return
        case .checkpoint where !isWriter: throw InterruptedError("process 0 saves a checkpoint")
        case .finish where !isWriter: return
        case .finish:
            // The result is saved all the same.
            do { try saveNow(training, name) } catch {
                log.warnOnce("no checkpoint could be saved: \(error)")
            }
        case .checkpoint:
            let url = try saveNow(training, name)
            throw InterruptedError("a checkpoint is saved in \(url.path); go on with --resume")
        }
    }

    private var doneSteps: Int { finished.reduce(0) { $0 + $1.outcome.steps } }

    /// Saves a checkpoint, beside what comes next; does nothing in other processes than the first.
    func save(_ training: StagedTraining?, _ name: String) throws {
        guard isWriter else { return }
        let start = Date()
        var state = RunState(initial: initial, finished: finished)
        state.current = try training.map { (name, try $0.state()) }
        let checkpoint = try Checkpoint(state, identity: identity)
        let (limit, best) = (options.saveTotalLimit, options.retention == .best ? state.bestSteps : [])
        let steps = state.steps
        writer.write(checkpoint) { all in
            // Later ones are of a run that went on from an earlier checkpoint; they are written anew.
            let past = all.filter { $0 <= steps }
            return Set(past.suffix(limit) + all.filter { $0 > steps || best.contains($0) })
        }
        savedSteps = steps
        pace.saved(seconds: -start.timeIntervalSinceNow)
    }

    /// Reads how the last write went, waiting for its end: training goes on without a checkpoint.
    private func takeResult() {
        guard let result = writer.finish() else { return }
        pace.written(seconds: result.seconds)
        if let error = result.error {
            savedSteps = nil
            log.warnOnce("no checkpoint could be saved: \(error); training goes on")
        }
    }

    /// Keeps a training that is done for the checkpoints to come.
    func finish(_ name: String, _ model: TransformerModel, _ outcome: TrainingOutcome) throws {
        guard !outcome.interrupted, finished(name) == nil else { return }
        finished.append(
            FinishedTraining(name: name, outcome: outcome, parameters: try model.snapshot()))
    }

    /// Ends the run with a checkpoint where that is all that is wanted, after its trainings.
    ///
    /// - Throws: ``InterruptedError`` then.
    func leave(_ context: RunContext) throws {
        guard isWriter, context.stopRequest() == .checkpoint else { return }
        try stop(nil, "", .checkpoint)
    }

    /// Ends the run, whose model is saved: its checkpoints are removed unless they are to stay.
    ///
    /// - Parameter interrupted: True if the run can go on from them.
    func end(interrupted: Bool) {
        guard isWriter else { return }
        takeResult()
        if !interrupted, options.retention == .none { folder.remove { _ in true } }
    }
}
