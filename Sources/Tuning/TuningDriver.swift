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
        var results = try TuningResults(plan: plan, folds: folds, kept: journal?.records ?? [])
        for warning in journal?.warnings ?? [] { onEvent(.warning(warning)) }
        let total = plan.rungs.reduce(0) { $0 + $1.trials * folds }
        onEvent(
            .started(trials: plan.candidates.count, runs: total, fromJournal: results.count))
        var completed = 0
        var fromJournal = 0
        var interrupted = false

        search: while true {
            let planned = plan.next(after: results.scores, direction: metric.direction)
            guard let budget = planned.first?.budget else { break }
            if let rung = plan.rungs.firstIndex(where: { $0.budget == budget }) {
                onEvent(
                    .rungStarted(
                        rung: rung, of: plan.rungs.count, trials: planned.count, budget: budget))
            }
            for trial in planned {
                for fold in 0..<folds {
                    if let record = results.record(trial, fold), record.isFinal {
                        completed += 1
                        fromJournal += 1
                        if record.error != nil { break }
                        continue
                    }
                    if shouldStop() {
                        interrupted = true
                        break search
                    }
                    let settings = plan.settings(of: trial.trial)
                    onEvent(
                        .runStarted(
                            trial: trial.trial, fold: fold, budget: trial.budget, settings: settings))
                    guard let record = try record(trial, fold, settings, run) else {
                        interrupted = true
                        break search
                    }
                    try journal?.append(record)
                    results.add(record)
                    completed += 1
                    onEvent(.runFinished(record, completed: completed, total: total))
                    if record.error != nil { break }
                }
                results.score(trial)
            }
            let failures = planned.compactMap { results.failure(of: $0) }
            if failures.count == planned.count, let first = failures.first {
                throw DistillationError(
                    "all \(planned.count) trials of a round failed; the first one: \(first)")
            }
        }
        return TuningReport(
            results, metric: metric, fromJournal: fromJournal, interrupted: interrupted)
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
