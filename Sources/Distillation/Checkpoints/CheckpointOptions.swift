import Foundation

/// When a run's checkpoints are saved, which of them are kept, and whether a run goes on from one.
public struct CheckpointOptions: Sendable, Equatable {
    /// The checkpoints that stay once the run has ended and its model is saved.
    public enum Retention: String, CaseIterable, Sendable {
        /// None: they have served their purpose.
        case none
        /// The last ``CheckpointOptions/saveTotalLimit`` ones.
        case last
        /// The last ones, and the one with the best result; one is then saved with each new best result.
        case best
    }

    /// The checkpoint that a run goes on from.
    public enum Resume: Sendable, Equatable {
        /// The last one; it is an error if there is none.
        case latest
        /// The last one where there is one; else the run starts anew.
        case auto
        /// A certain one.
        case checkpoint(URL)
    }

    /// Optimizer steps between two checkpoints; 0 saves them at a stop alone; `nil` saves one every two minutes, or less often
    /// where that would take more than 2 % of the time.
    public var saveSteps: Int?
    /// The number of checkpoints that are kept, the last ones.
    public var saveTotalLimit = 2
    public var retention = Retention.none
    /// `nil` starts anew.
    public var resume: Resume?

    public init() {}

    /// The most checkpoints that may be kept.
    static let mostKept = 1000

    /// - Throws: ``DistillationError`` that names the setting.
    func validate() throws {
        if let saveSteps {
            try SettingLimits.require(saveSteps, "save_steps", from: 0, to: SettingLimits.steps)
        }
        try SettingLimits.require(saveTotalLimit, "save_total_limit", to: Self.mostKept)
    }
}
