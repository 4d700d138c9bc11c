import Distillation

/// What happens during a search, for whoever shows it.
public enum TuningEvent: Sendable, Equatable {
    /// The search began: so many trials, so many runs at most, of which so many are in the journal.
    case started(trials: Int, runs: Int, fromJournal: Int)
    /// A round began; there is more than one in successive halving only. `rung` counts from 0.
    case rungStarted(rung: Int, of: Int, trials: Int, budget: Double)
    /// A run began.
    case runStarted(trial: Int, fold: Int, budget: Double, settings: [String: String])
    /// A run ended, well or badly: the `completed`-th of at most `total`.
    case runFinished(TrialRecord, completed: Int, total: Int)
    /// Something happened in a run: while what trials share was made, or in the training with the best settings.
    case run(RunEvent)
    /// Something the user must not miss.
    case warning(String)
}
