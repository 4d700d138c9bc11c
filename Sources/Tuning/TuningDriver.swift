import Distillation
import Files

/// Searches for the best settings by cross-validation: runs each trial on each fold, and ranks the trials.
///
/// A trial is trained by the caller's closure, so that anything can be searched.
///
/// ```swift
/// let space = try SearchSpace([
///     SearchDimension(name: "temperature", parsing: "1, 2, 4, 8"),
///     SearchDimension(name: "learning_rate", parsing: "loguniform(1e-5, 1e-3)"),
/// ])
/// let plan = try SearchPlan(space: space, strategy: .random(trials: 20), seed: 42)
/// let driver = try TuningDriver(plan: plan, folds: 3, metric: TuningMetric("accuracy"))
/// let report = try driver.run { settings, fold, budget in
///     TrialResult(metric: try accuracy(settings, fold, budget), seconds: 0)
/// }
/// print(report.best ?? [:])
/// ```
public struct TuningDriver: Sendable {
    /// The closure that trains once and evaluates the result.
    ///
    /// It takes the searched settings by name, the number of the fold that is held out, from 0, and the fraction of the
    /// whole training, up to 1.
    public typealias Run = (_ settings: [String: String], _ fold: Int, _ budget: Double) throws -> TrialResult

    /// The trials.
    public let plan: SearchPlan
    /// The number of folds; 1 for a single validation set.
    public let folds: Int
    /// The metric that is optimized.
    public let metric: TuningMetric

    /// Creates the driver of a search.
    ///
    /// - Parameters:
    ///   - plan: The trials.
    ///   - folds: The number of folds; 1 for a single validation set.
    ///   - metric: The metric that is optimized.
    /// - Throws: `DistillationError` for fewer folds than 1.
    public init(plan: SearchPlan, folds: Int, metric: TuningMetric) throws {
        try SettingLimits.require(folds, "folds", to: SettingLimits.repetitions)
        self.plan = plan
        self.folds = folds
        self.metric = metric
    }

    /// Runs to the end, or until `shouldStop`.
    ///
    /// A run that throws is recorded, and its trial is ranked last; its other folds are not tried. After an
    /// interruption the runs of the journal are not repeated, except those that failed for a reason other than
    /// divergence: the reason may be gone.
    ///
    /// - Parameters:
    ///   - journal: The journal of finished runs; `nil` keeps none.
    ///   - onEvent: Receives the search's events.
    ///   - shouldStop: Called before each run; true ends the search.
    ///   - run: Trains once and evaluates the result. `InterruptedError` from it ends the search, as `shouldStop` does.
    /// - Throws: `DistillationError` where every trial of a rung failed, with the first one's reason, and for a journal
    ///   whose settings are not the plan's; `FileError` from `run` or from writing the journal.
    /// - Returns: The ranking of the trials.
    public func run(
        journal: TrialJournal? = nil, onEvent: (TuningEvent) -> Void = { _ in },
        shouldStop: () -> Bool = { false }, run: Run
    ) throws -> TuningReport {
        try self.run(
            kept: journal?.records ?? [], warnings: journal?.warnings ?? [], journal: journal, exchange: nil,
            onEvent: onEvent, shouldStop: shouldStop, run: run)
    }

    /// Runs a search, alone or as one of the processes that share its runs.
    ///
    /// - Parameters:
    ///   - kept: The runs of the journal.
    ///   - warnings: What the journal has to say.
    ///   - journal: Where runs are kept; with an exchange it keeps them.
    func run(
        kept: [TrialRecord], warnings: [String], journal: TrialJournal?, exchange: SearchExchange?,
        onEvent: (TuningEvent) -> Void, shouldStop: () -> Bool, run: Run
    ) throws -> TuningReport {
        var search = SearchProgress(try TuningResults(plan: plan, folds: folds, kept: kept))
        for warning in warnings { onEvent(.warning(warning)) }
        let total = plan.rungs.reduce(0) { $0 + $1.trials * folds }
        onEvent(
            .started(trials: plan.candidates.count, runs: total, fromJournal: search.results.count))
        func finished(_ record: TrialRecord) {
            search.add(record)
            onEvent(.runFinished(record, completed: search.completed, total: total))
        }
        func hear() throws {
            for (_, outcome) in try exchange?.news() ?? [] {
                if case .record(let record) = outcome { finished(record) }
            }
        }
        while !search.isInterrupted {
            let planned = plan.next(after: search.results.scores, direction: metric.direction)
            guard let budget = planned.first?.budget else { break }
            let rung = plan.rungs.firstIndex { $0.budget == budget } ?? 0
            onEvent(.rungStarted(rung: rung, of: plan.rungs.count, trials: planned.count, budget: budget))
            let jobs = search.jobs(of: planned)
            exchange?.begin("round-\(rung)", runs: jobs.count)
            var position = 0
            while !search.isInterrupted {
                search.isInterrupted = shouldStop()
                if search.isInterrupted { break }
                let index = try exchange?.take() ?? position
                position += 1
                guard index < jobs.count else { break }
                let (trial, fold) = jobs[index]
                if search.failed.contains(trial) {
                    try exchange?.tell(index, .skipped)
                    continue
                }
                let settings = plan.settings(of: trial.trial)
                onEvent(
                    .runStarted(
                        trial: trial.trial, fold: fold, budget: trial.budget, settings: settings))
                let record = try record(trial, fold, settings, run)
                if let exchange {
                    try exchange.tell(index, record.map { .record($0) } ?? .interrupted)
                    try hear()
                } else if let record {
                    try journal?.append(record)
                    finished(record)
                }
                if record == nil { search.isInterrupted = true }
            }
            if let exchange, !search.isInterrupted { search.isInterrupted = try !exchange.finish() }
            if search.isInterrupted { try exchange?.leave() }
            try hear()
            try search.score(planned)
        }
        return TuningReport(
            search.results, metric: metric, fromJournal: search.fromJournal,
            interrupted: search.isInterrupted)
    }

    /// Executes one run.
    ///
    /// - Returns: `nil` where it was interrupted.
    private func record(
        _ trial: PlannedTrial, _ fold: Int, _ settings: [String: String], _ run: Run
    ) throws -> TrialRecord? {
        var record = TrialRecord(
            trial: trial.trial, fold: fold, budget: trial.budget, settings: settings, metrics: [:], seconds: 0
        )
        let start = ContinuousClock.now
        do {
            let result = try run(settings, fold, trial.budget)
            record.seconds = result.seconds
            record.examplesPerSecond = result.examplesPerSecond.flatMap { $0.isFinite ? $0 : nil }
            record.metrics = result.metrics.filter { $0.value.isFinite }
            if result.metric.isFinite {
                record.metric = result.metric
            } else {
                record.error = "\(metric.name) is not a finite number"
                record.diverged = true
            }
            return record
        } catch is InterruptedError {
            return nil
        } catch let error as FileError {
            // A full disk would fail every trial to come.
            throw error
        } catch {
            record.seconds = (ContinuousClock.now - start) / .seconds(1)
            record.error = "\(error)"
            record.diverged = error is NonFiniteLossError
            return record
        }
    }
}
