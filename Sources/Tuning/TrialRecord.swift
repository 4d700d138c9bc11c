/// A run as the journal keeps it: one line.
public struct TrialRecord: Sendable, Equatable, Codable {
    /// The trial's number, from 0.
    public var trial: Int
    /// The fold's number, from 0.
    public var fold: Int
    /// The share of the whole training, up to 1.
    public var budget: Double
    /// The searched settings.
    public var settings: [String: String]
    /// The metric that is searched for; `nil` where the run failed.
    public var metric: Double?
    /// Other metrics by name.
    public var metrics: [String: Double]
    /// How long the run took.
    public var seconds: Double
    /// Why the run failed.
    public var error: String?
    /// Whether it failed because training diverged, and so would again: it is not tried again.
    public var diverged: Bool?
    /// The speed of its training.
    public var examplesPerSecond: Double?

    /// Whether the run need not be done again.
    var isFinal: Bool { error == nil || diverged == true }

    struct Key: Hashable {
        var planned: PlannedTrial
        var fold: Int
    }

    var key: Key { Key(planned: PlannedTrial(trial: trial, budget: budget), fold: fold) }
}
