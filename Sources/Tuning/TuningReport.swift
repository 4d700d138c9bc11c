import Distillation
import Files
import Foundation

/// The results of a search: written as `tuning.json`, printed by `--json`.
public struct TuningReport: Sendable, Equatable, Codable {
    /// The metric that was optimized.
    public var metric: TuningMetric
    /// The strategy of the search.
    public var strategy: SearchStrategy
    /// The seed of the random combinations and of the folds.
    public var seed: UInt64
    /// The number of folds; 1 for a single validation set.
    public var folds: Int
    /// The settings that were searched.
    public var space: [SearchDimension]
    /// The trials, the best first.
    public var trials: [Trial]
    /// The settings of the best trial; `nil` where none was finished.
    public var best: [String: String]?
    /// The duration of all runs together, including those from the journal.
    public var seconds: Double
    /// The number of runs with results.
    public var runs: Int
    /// The number of these that came from the journal.
    public var runsFromJournal: Int
    /// True if the search was stopped before its end.
    public var interrupted: Bool

    /// A combination of settings and its result.
    public struct Trial: Sendable, Equatable, Codable {
        /// The rank, from 1 for the best.
        public var rank: Int
        /// The trial's number, from 0.
        public var trial: Int
        /// The searched settings.
        public var settings: [String: String]
        /// The state at the end of the search.
        public var state: State
        /// The fraction of the whole training after which it was evaluated, up to 1.
        public var budget: Double
        /// The mean of the metric over the folds; `nil` unless finished.
        public var mean: Double?
        /// Its sample standard deviation over the folds (with n − 1); `nil` for fewer than two folds.
        public var standardDeviation: Double?
        /// The means over the folds of the other metrics.
        public var metrics: [String: Double]
        /// Its runs with that budget, in the order of the folds.
        public var folds: [Fold]
        /// The duration of all its runs, including those with smaller budgets.
        public var seconds: Double
        /// The reason for the failure; `nil` where it did not fail.
        public var error: String?
    }

    /// The state of a trial.
    public enum State: String, Sendable, Codable {
        /// All folds are done.
        case finished
        /// The search was interrupted before all folds were done.
        case incomplete
        /// A run failed.
        case failed
    }

    /// A trial on one fold.
    public struct Fold: Sendable, Equatable, Codable {
        /// The fold's number, from 0.
        public var fold: Int
        /// The metric; `nil` where the run failed.
        public var metric: Double?
        /// Other metrics by name.
        public var metrics: [String: Double]
        /// The duration of the run.
        public var seconds: Double
    }

    /// The best trial; `nil` where none was finished.
    public var bestTrial: Trial? { trials.first.flatMap { $0.state == .finished ? $0 : nil } }

    /// The searched settings' names, in order.
    public var names: [String] { space.map(\.name) }

    /// Formats a value of a metric for people.
    package static func text(_ value: Double) -> String {
        let size = abs(value)
        return String(format: size != 0 && (size < 1e-3 || size >= 1e5) ? "%.3e" : "%.4f", value)
    }

    /// Writes `tuning.json` and `heat-map.svg`.
    ///
    /// - Parameters:
    ///   - directory: The search's output directory.
    ///   - axes: The settings along the heat map's axes, one or two; `nil` chooses those with the most values.
    /// - Throws: `FileError` where they cannot be written; `DistillationError` for axes that were not searched.
    public func save(in directory: URL, axes: [String]? = nil) throws {
        try AtomicFile.write(try JSONText.encode(self) + "\n", to: directory.appending(path: "tuning.json"))
        let map = try HeatMap(self, axes: axes)
        try AtomicFile.write(map.svg, to: directory.appending(path: "heat-map.svg"))
    }
}

extension TuningReport {
    /// Ranks the trials. Those evaluated after more training come before those dropped on the way, then the better
    /// mean, then the earlier trial; unfinished and failed ones come last.
    init(_ results: TuningResults, metric: TuningMetric, fromJournal: Int, interrupted: Bool) {
        let plan = results.plan
        self.metric = metric
        strategy = plan.strategy
        seed = plan.seed
        folds = results.folds
        space = plan.space.dimensions
        runsFromJournal = fromJournal
        self.interrupted = interrupted
        let all = plan.candidates.indices.compactMap { Trial(number: $0, results) }
        var ranked = all.sorted { a, b in
            if a.state != b.state { return a.state.order < b.state.order }
            if a.budget != b.budget { return a.budget > b.budget }
            if let mean = a.mean, let other = b.mean, mean != other {
                return metric.direction.isBetter(mean, than: other)
            }
            return a.trial < b.trial
        }
        for index in ranked.indices { ranked[index].rank = index + 1 }
        trials = ranked
        best = ranked.first.flatMap { $0.state == .finished ? $0.settings : nil }
        seconds = all.reduce(0) { $0 + $1.seconds }
        runs = plan.candidates.indices.reduce(0) { sum, trial in
            sum
                + plan.rungs.reduce(0) {
                    $0 + results.records(of: PlannedTrial(trial: trial, budget: $1.budget)).count
                }
        }
    }
}

extension TuningReport.State {
    fileprivate var order: Int {
        switch self {
        case .finished: 0
        case .incomplete: 1
        case .failed: 2
        }
    }
}

extension TuningReport.Trial {
    /// The result of a trial with the largest budget for which all folds are done; `nil` where no run was done.
    fileprivate init?(number: Int, _ results: TuningResults) {
        let rungs = results.plan.rungs.map { PlannedTrial(trial: number, budget: $0.budget) }
        let begun = rungs.filter { !results.records(of: $0).isEmpty }
        guard let last = begun.last else { return nil }
        let failed = begun.first { results.failure(of: $0) != nil }
        let finished = begun.last { results.records(of: $0).count == results.folds }
        let evaluated = failed ?? finished ?? last
        let records = results.records(of: evaluated)

        rank = 0
        trial = number
        settings = results.plan.settings(of: number)
        state = failed != nil ? .failed : finished != nil ? .finished : .incomplete
        budget = evaluated.budget
        let values = records.compactMap(\.metric)
        mean = state == .finished ? Statistics.mean(values) : nil
        standardDeviation = state == .finished ? Statistics.standardDeviation(values) : nil
        let shared = records.dropFirst().reduce(Set(records.first.map { Array($0.metrics.keys) } ?? [])) {
            $0.intersection($1.metrics.keys)
        }
        metrics = Dictionary(
            uniqueKeysWithValues: shared.map { name in
                (name, Statistics.mean(records.compactMap { $0.metrics[name] }))
            })
        folds = records.map {
            TuningReport.Fold(
                fold: $0.fold, metric: $0.metric, metrics: $0.metrics, seconds: $0.seconds)
        }
        seconds = begun.flatMap(results.records(of:)).reduce(0) { $0 + $1.seconds }
        error = failed.flatMap(results.failure(of:))
    }
}
