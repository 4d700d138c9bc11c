import Foundation

/// Decides when a checkpoint is due.
struct CheckpointPace {
    /// Steps between two checkpoints; 0 for none; `nil` lets the time decide.
    let saveSteps: Int?
    private var last = ContinuousClock.now
    /// The seconds that the last checkpoint cost the training, and those that its write took beside it.
    private var seconds = (training: 0.0, writing: 0.0)

    /// The time between two checkpoints, in seconds, where the time decides.
    static let interval = 120.0
    /// The part of the time that checkpoints may take.
    static let share = 0.02

    init(saveSteps: Int?) { self.saveSteps = saveSteps }

    private var elapsed: Double { (ContinuousClock.now - last) / .seconds(1) }

    /// True if one is due after so many steps of a training.
    func isDue(steps: Int) -> Bool {
        guard let saveSteps else { return elapsed >= Self.interval }
        return saveSteps > 0 && steps.isMultiple(of: saveSteps)
    }

    /// True if enough time has passed that another checkpoint, as costly as the last, keeps to its part of the time.
    var isWorthIt: Bool { elapsed * Self.share >= seconds.training + seconds.writing }

    /// Notes a checkpoint that was handed to its writer.
    mutating func saved(seconds: Double) {
        (self.seconds.training, last) = (seconds, .now)
    }

    /// Notes that it was written.
    mutating func written(seconds: Double) { self.seconds.writing = seconds }
}
