import Distillation
import Files
import Foundation

/// Searches for the best settings of a distillation by cross-validation, and trains a student with them.
///
/// Each trial is trained on all folds but one and evaluated on that one, for each fold. Finished runs are kept in a journal,
/// so that a stopped search resumes where it was; the results go into the output directory.
///
/// ```swift
/// let space = try SearchSpace([
///     SearchDimension(name: "temperature", domain: .choice([1, 2, 4, 8])),
///     SearchDimension(name: "learning_rate", domain: .logUniform(low: 1e-5, high: 1e-3)),
/// ])
/// var request = TuningRequest(
///     settings: ["teacher": "teacher", "train": "train.csv", "layers": 3], space: space,
///     output: URL(filePath: "tuning"))
/// request.strategy = .random(trials: 20)
/// let outcome = try TuningRun(request).run()
/// print(outcome.search.best ?? [:], outcome.refit?.student.accuracy ?? 0)
/// ```
public struct TuningRun: Sendable {
    public let request: TuningRequest
    /// The trials, the folds and the metric.
    public let driver: TuningDriver
    /// The settings of every trial's run.
    private let base: Settings

    /// - Throws: `DistillationError` for an invalid search, `SettingsError` for an invalid seed.
    public init(_ request: TuningRequest) throws {
        self.request = request
        driver = try request.driver
        base = request.settings.merged()
    }

    /// The results of a search and of the training after it.
    public struct Outcome: Sendable {
        /// The ranking of the trials.
        public var search: TuningReport
        /// The student that was trained with the best settings; `nil` where none was.
        public var refit: RunReport?
    }

    /// Searches, and then trains on all of the data with the best settings where this is requested.
    ///
    /// - Parameters:
    ///   - onEvent: Receives the search's events.
    ///   - stopRequest: Called often; how the search is to stop, `nil` to go on.
    ///   - processes: The processes that search together, each of which calls this; `nil` for this one alone.
    /// - Throws: The errors of ``check()``, ``search(onEvent:stopRequest:processes:)`` and `DistillationRun`.
    @discardableResult
    public func run(
        onEvent: @escaping (TuningEvent) -> Void = { _ in },
        stopRequest: @escaping () -> StopRequest? = { nil }, processes: Processes? = nil
    ) throws -> Outcome {
        try check()
        let report = try search(onEvent: onEvent, stopRequest: stopRequest, processes: processes)
        return Outcome(
            search: report,
            refit: try refit(report)?.run(
                onEvent: { onEvent(.run($0)) }, stopRequest: stopRequest, processes: processes))
    }

    // MARK: - Its parts

    /// Reads the settings of every trial, so that a mistyped name or value ends the search before it begins.
    ///
    /// - Throws: `SettingsError`, `DistillationError` or `PreflightError` for the first trial that could not be run.
    public func check() throws {
        for trial in driver.plan.candidates.indices {
            let request = try distillation(driver.plan.settings(of: trial))
            try SettingsError.checking { _ = try DistillationRun(request) }
        }
    }

    /// Runs the trials that are not in the journal, and writes `tuning.json`, `heat-map.svg` and `best.yaml`.
    ///
    /// - Parameters:
    ///   - onEvent: Receives the search's events.
    ///   - stopRequest: Called often; how the search is to stop, `nil` to go on.
    ///   - processes: The processes that search together, each of which calls this: each run is trained by one of them, and
    ///     process 0 writes. `nil` for this one alone.
    /// - Throws: `DistillationError` where the output directory holds another search, and where every trial failed;
    ///   `FileError` where results cannot be written; `ProcessLossError` where another process is lost.
    /// - Returns: The ranking of the trials, the same in all processes.
    public func search(
        onEvent: @escaping (TuningEvent) -> Void = { _ in },
        stopRequest: @escaping () -> StopRequest? = { nil }, processes: Processes? = nil
    ) throws -> TuningReport {
        try search(onEvent: onEvent, stopRequest: stopRequest, processes: processes) { stopRequest in
            let trials = TuningTrials(
                folds: driver.folds, seed: driver.plan.seed, metric: driver.metric.name,
                onEvent: { onEvent(.run($0)) }, scratch: request.output, stopRequest: stopRequest)
            if let processes {
                try trials.prepare(distillation(driver.plan.settings(of: 0)), with: processes)
            }
            return { try trials.run(distillation($0), fold: $1, budget: $2) }
        }
    }

    /// Searches with another way to train a trial.
    package func search(
        onEvent: (TuningEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false },
        processes: Processes? = nil, run: @escaping TuningDriver.Run
    ) throws -> TuningReport {
        try search(
            onEvent: onEvent, stopRequest: { shouldStop() ? .checkpoint : nil }, processes: processes,
            making: { _ in run })
    }

    /// - Parameter making: Makes what trains a trial, given how the search is to stop.
    private func search(
        onEvent: (TuningEvent) -> Void, stopRequest: @escaping () -> StopRequest?, processes: Processes?,
        making: (_ stopRequest: @escaping () -> StopRequest?) throws -> TuningDriver.Run
    ) throws -> TuningReport {
        let isFirst = processes?.isFirst ?? true
        let journal =
            try isFirst
            ? TrialJournal(directory: request.output, identity: identity, overwrite: request.overwrite) : nil
        let kept = try processes.fromFirst { journal?.records ?? [] }
        let exchange = processes.map { SearchExchange($0, journal: journal) }
        exchange?.start()
        defer { exchange?.end() }
        let stop = { stopRequest() ?? (exchange?.isStopped == true ? .checkpoint : nil) }
        let report = try driver.run(
            kept: kept, warnings: journal?.warnings ?? [], journal: journal, exchange: exchange,
            onEvent: onEvent, shouldStop: { stop() != nil }, run: making(stop))
        guard isFirst else { return report }
        if !report.interrupted { TuningTrials.removeScratch(in: request.output) }
        try report.save(in: request.output, axes: request.axes)
        if let best = try bestSettings(report) {
            try AtomicFile.write(best, to: request.output.appending(path: "best.yaml"))
        }
        return report
    }

    /// Returns the run that trains a student on all of the data with the best settings, into `model` in the output directory.
    ///
    /// - Parameter report: The ranking of the trials.
    /// - Throws: `SettingsError` for invalid settings.
    /// - Returns: `nil` where no such training is requested, the search was stopped, or no trial was finished.
    public func refit(_ report: TuningReport) throws -> DistillationRun? {
        guard request.refit, !report.interrupted, let best = report.best else { return nil }
        return try SettingsError.checking { try DistillationRun(distillation(best)) }
    }

    // MARK: - Trials

    /// The search's identity, by which its journal is recognized.
    package var identity: SearchIdentity {
        get throws {
            SearchIdentity(
                plan: driver.plan, folds: driver.folds, metric: driver.metric,
                base: try base.yaml() + distillation(driver.plan.settings(of: 0)).inputDigests)
        }
    }

    /// Returns a trial's settings: the base settings with the trial's values.
    package func settings(_ values: [String: String]) -> Settings {
        base.replacing(
            driver.plan.space.names.compactMap { name in
                values[name].map { (name: name, node: SettingNode(parsing: $0), text: $0) }
            })
    }

    /// Returns the request of a trial's run, or of the final one: its student goes into `model` in the output directory.
    package func distillation(_ values: [String: String]) throws -> DistillRequest {
        let model = request.output.appending(path: "model")
        var run = try DistillRequest(
            settings(values), output: model, locator: request.locator, allowing: TuningRequest.ownNames)
        guard run.retrieval == nil else {
            throw DistillationError(
                "validation_retrieval: a search ranks students by the validation data alone; leave it out, and give it to `distill run` with "
                    + "the best settings")
        }
        run.output = model
        run.overwrite = true
        return run
    }

    /// Returns the best settings as a configuration file of `distill run`; `nil` where no trial was finished.
    package func bestSettings(_ report: TuningReport) throws -> String? {
        guard let best = report.bestTrial, let mean = best.mean else { return nil }
        let deviation = best.standardDeviation.map { " ± " + TuningReport.text($0) } ?? ""
        let folds = report.folds > 1 ? "mean over \(report.folds) folds" : "on the validation data"
        let part = best.budget < 1 ? ", after a fraction of \(best.budget) of the training" : ""
        return try settings(best.settings).yaml(comments: [
            "The best of \(report.trials.count) trials of `distill tune`: "
                + "\(report.metric.name) \(TuningReport.text(mean))\(deviation) (\(folds)\(part))."
        ])
    }
}
