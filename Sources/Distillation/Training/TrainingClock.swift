import Foundation

/// The time and the examples of training between two evaluations.
struct TrainingClock {
    /// The examples processed by the steps of this trainer, without those before a resume.
    private(set) var examples = 0
    private var start: Date?
    private var examplesBefore = 0
    private var pause: Date?

    mutating func begin() { if start == nil { start = Date() } }

    mutating func add(_ examples: Int) { self.examples += examples }

    /// Stops for an evaluation.
    mutating func beginPause() { pause = pause ?? Date() }

    /// Continues after an evaluation.
    ///
    /// - Returns: The seconds of the pause; 0 where there was none.
    mutating func endPause() -> Double {
        guard let pause else { return 0 }
        let now = Date()
        (start, examplesBefore) = (now, examples)
        self.pause = nil
        return now.timeIntervalSince(pause)
    }

    /// Seconds since the last evaluation, one in progress included.
    var seconds: Double { start.map { -$0.timeIntervalSinceNow } ?? 0 }

    /// Examples per second in training since the last evaluation.
    var examplesPerSecond: Double {
        guard let start else { return 0 }
        return Double(examples - examplesBefore) / max(1e-9, (pause ?? Date()).timeIntervalSince(start))
    }
}
