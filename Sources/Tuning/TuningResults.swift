import Distillation

/// The runs of a search so far, by trial, budget and fold.
struct TuningResults {
    let plan: SearchPlan
    let folds: Int
    private var records: [TrialRecord.Key: TrialRecord] = [:]
    /// The scores of trials whose runs are done.
    private(set) var scores: [PlannedTrial: TrialScore] = [:]

    /// - Parameter kept: Earlier runs. Of repeated runs the last one counts, and trials beyond the plan do not count: a
    ///   random search may have had more.
    /// - Throws: `DistillationError` for a run whose settings are not the plan's.
    init(plan: SearchPlan, folds: Int, kept: [TrialRecord]) throws {
        self.plan = plan
        self.folds = folds
        for record in kept where plan.candidates.indices.contains(record.trial) {
            guard record.settings == plan.settings(of: record.trial) else {
                throw DistillationError(
                    "the journal's trial \(record.trial) has other settings than this search's; choose another "
                        + "--output, or pass --overwrite to start anew")
            }
            guard record.metric != nil || record.error != nil else { continue }
            records[record.key] = record
        }
    }

    /// The number of runs with results.
    var count: Int { records.count }

    func record(_ trial: PlannedTrial, _ fold: Int) -> TrialRecord? {
        records[TrialRecord.Key(planned: trial, fold: fold)]
    }

    /// Returns the finished runs of a trial in the order of the folds.
    func records(of trial: PlannedTrial) -> [TrialRecord] { (0..<folds).compactMap { record(trial, $0) } }

    func failure(of trial: PlannedTrial) -> String? { records(of: trial).compactMap(\.error).first }

    mutating func add(_ record: TrialRecord) { records[record.key] = record }

    /// Scores a trial once its runs are done.
    ///
    /// What other processes have done after a fold that failed does not count, as if it had not been tried.
    mutating func score(_ trial: PlannedTrial) {
        if let failure = records(of: trial).first(where: { $0.error != nil }) {
            for fold in 0..<folds where fold > failure.fold {
                records[TrialRecord.Key(planned: trial, fold: fold)] = nil
            }
        }
        let runs = records(of: trial)
        if runs.contains(where: { $0.error != nil }) {
            scores[trial] = .failed
        } else if runs.count == folds {
            scores[trial] = .mean(Statistics.mean(runs.compactMap(\.metric)))
        }
    }
}

/// Sample statistics.
enum Statistics {
    static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    /// The sample standard deviation, with n − 1; `nil` for fewer than two values.
    static func standardDeviation(_ values: [Double]) -> Double? {
        guard values.count > 1 else { return nil }
        let mean = mean(values)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(values.count - 1)).squareRoot()
    }
}
