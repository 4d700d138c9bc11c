import Distillation

/// A progress event of a search.
public enum TuningEvent: Sendable, Equatable {
    /// The search began: the number of trials, the maximum number of runs, and how many of these are in the journal.
    case started(trials: Int, runs: Int, fromJournal: Int)
    /// A round began; there is more than one in successive halving only. `rung` counts from 0.
    case rungStarted(rung: Int, of: Int, trials: Int, budget: Double)
    /// A run began.
    case runStarted(trial: Int, fold: Int, budget: Double, settings: [String: String])
    /// A run ended, successfully or not: the `completed`-th of at most `total`.
    case runFinished(TrialRecord, completed: Int, total: Int)
    /// An event of a run: while the data and outputs that trials share were prepared, or in the training with the best
    /// settings.
    case run(RunEvent)
    /// Something the user must not miss.
    case warning(String)
}
