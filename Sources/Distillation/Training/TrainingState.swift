import Torch

/// Everything that a training run depends on from here on: a run restored from it goes on bit for bit as if it
/// had never stopped.
///
/// The order of the data and the learning rate are functions of the seed and of the place, so they need no
/// state of their own.
public struct TrainingState {
    /// Optimiser steps done.
    public var step: Int
    /// Epochs finished.
    public var epoch: Int
    /// Optimiser steps done within the present epoch.
    public var stepInEpoch: Int
    public var parameters: [String: Tensor]
    public var optimizer: AdamW.State
    public var dropout: DropoutState.Position
    /// Sums of the present epoch.
    public var sums: MetricSums
    /// Finished epochs.
    public var history: [EpochMetrics]
    public var best: Best?

    /// The best checkpoint so far.
    public struct Best {
        /// The metric by which it is the best, on the validation data.
        public var metric: Double
        public var epoch: Double
        public var parameters: [String: Tensor]
    }
}

/// Running sums over training examples.
public struct MetricSums: Sendable, Equatable, Codable {
    public var examples = 0
    public var loss = 0.0
    public var soft = 0.0
    public var hard = 0.0
    public var kl = 0.0
    public var agreements = 0
    public var hasTeacher = false

    mutating func add(_ terms: LossTerms, total: Double, count: Int, agreements: Int?) {
        examples += count
        loss += total * Double(count)
        soft += (terms.soft ?? 0) * Double(count)
        hard += (terms.hard ?? 0) * Double(count)
        kl += (terms.kl ?? 0) * Double(count)
        if terms.soft != nil { hasTeacher = true }
        self.agreements += agreements ?? 0
    }

    func mean(_ sum: Double) -> Double { sum / Double(max(1, examples)) }
}
