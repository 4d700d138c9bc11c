/// A run in the journal: one line.
public struct TrialRecord: Sendable, Equatable, Codable {
    /// The trial's number, from 0.
    public var trial: Int
    /// The fold's number, from 0.
    public var fold: Int
    /// The fraction of the whole training, up to 1.
    public var budget: Double
    /// The searched settings.
    public var settings: [String: String]
    /// The value of the metric that is optimized; `nil` where the run failed.
    public var metric: Double?
    /// Other metrics by name.
    public var metrics: [String: Double]
    /// The duration of the run.
    public var seconds: Double
    /// The reason for the failure; `nil` where the run succeeded.
    public var error: String?
    /// True if it failed because training diverged, and so would again: it is not tried again.
    public var diverged: Bool?
    /// The speed of its training.
    public var examplesPerSecond: Double?

    /// True if the run need not be done again.
    var isFinal: Bool { error == nil || diverged == true }

    struct Key: Hashable {
        var planned: PlannedTrial
        var fold: Int
    }

    var key: Key { Key(planned: PlannedTrial(trial: trial, budget: budget), fold: fold) }
}
