import Distillation

/// How far a search has come.
struct SearchProgress {
    private(set) var results: TuningResults
    /// The runs that are done, and how many of them were before.
    private(set) var (completed, fromJournal) = (0, 0)
    /// The trials of the current round of which a run failed.
    private(set) var failed: Set<PlannedTrial> = []
    var isInterrupted = false

    init(_ results: TuningResults) { self.results = results }

    /// Returns the runs of a round that are not done, in order.
    mutating func jobs(of planned: [PlannedTrial]) -> [(trial: PlannedTrial, fold: Int)] {
        failed = []
        var jobs: [(trial: PlannedTrial, fold: Int)] = []
        for trial in planned {
            for fold in 0..<results.folds {
                guard let record = results.record(trial, fold), record.isFinal else {
                    jobs.append((trial, fold))
                    continue
                }
                completed += 1
                fromJournal += 1
                if record.error != nil {
                    failed.insert(trial)
                    break
                }
            }
        }
        return jobs
    }

    /// Adds a finished run.
    mutating func add(_ record: TrialRecord) {
        results.add(record)
        completed += 1
        if record.error != nil { failed.insert(record.key.planned) }
    }

    /// Scores the trials of a round, whose runs are done unless the search was interrupted.
    ///
    /// - Throws: `DistillationError` with the first one's reason, where all of them failed.
    mutating func score(_ planned: [PlannedTrial]) throws {
        for trial in planned { results.score(trial) }
        guard !isInterrupted else { return }
        let failures = planned.compactMap { results.failure(of: $0) }
        if failures.count == planned.count, let first = failures.first {
            throw DistillationError(
                "all \(planned.count) trials of a round failed; the first one: \(first)")
        }
    }
}
