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
    /// What objectives learn beside the model.
    public var learned: [String: Tensor]
    public var optimizer: AdamW.State
    /// The weights' averages, where they are kept.
    public var averages: ExponentialMovingAverage.State?
    public var dropout: DropoutState.Position
    /// Sums since the last evaluation.
    public var sums: MetricSums
    /// Evaluations so far.
    public var history: [EpochMetrics]
    public var best: Best?
    /// Evaluations since the best.
    public var evaluationsWithoutGain: Int

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
    /// Each term's loss before its weight, and the examples that it was computed for.
    private var terms: [String: Double] = [:]
    private var termExamples: [String: Int] = [:]
    private var termOrder: [String] = []
    public var statistics = TrainingStatistics()

    public init() {}

    mutating func add(_ terms: NamedValues, total: Double, count: Int) {
        examples += count
        loss += total * Double(count)
        for (name, value) in terms { add(name, value * Double(count), count) }
    }

    private mutating func add(_ name: String, _ sum: Double, _ count: Int) {
        if termExamples[name] == nil { termOrder.append(name) }
        terms[name, default: 0] += sum
        termExamples[name, default: 0] += count
    }

    mutating func merge(_ other: MetricSums) {
        examples += other.examples
        loss += other.loss
        for name in other.termOrder { add(name, other.terms[name] ?? 0, other.termExamples[name] ?? 0) }
        statistics.merge(other.statistics)
    }

    var meanLoss: Double { loss / Double(max(1, examples)) }

    /// Means over the examples.
    var meanTerms: NamedValues {
        var values = NamedValues()
        for name in termOrder { values[name] = (terms[name] ?? 0) / Double(max(1, termExamples[name] ?? 1)) }
        return values
    }
}
