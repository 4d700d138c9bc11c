import Distillation
import Files
import Transformers

/// The report of `distill prune`: saved as `pruning.json` beside the model.
public struct PruneReport: Sendable, Equatable, Codable {
    /// A model's shape and size.
    public struct Size: Sendable, Equatable, Codable {
        public var shape: ModelShape
        public var parameters: Int
        /// The median time of a forward pass of a text alone, in milliseconds; `nil` unless the search was for a time.
        public var latencyMilliseconds: Double?
    }

    /// A shape that was tried, and how far its outputs were from the model's.
    public struct Trial: Sendable, Equatable, Codable {
        public var shape: ModelShape
        public var parameters: Int
        public var distance: Double
        public var agreement: Double
        /// Its time as a fraction of the model's, with random weights; `nil` unless the search was for a time.
        public var latencyRatio: Double?
    }

    /// The target of a search for a time, and what the result takes, timed in turns with the model.
    public struct Latency: Sendable, Equatable, Codable {
        /// The target as it was given: a fraction of the model's time; `nil` where it was milliseconds.
        public var targetRatio: Double?
        /// The target as it was given: milliseconds; `nil` where it was a fraction.
        public var targetMilliseconds: Double?
        /// The median time of a forward pass of a text alone by the pruned model.
        public var milliseconds: Double
        /// The same by the model.
        public var modelMilliseconds: Double
        /// The first as a fraction of the second.
        public var ratio: Double
        /// The median length of the texts that were timed.
        public var textTokens: Int
        /// True if the result takes no more than the target.
        public var isMet: Bool
        /// How often was searched: once more, for a smaller shape, where a result was over the target.
        public var searches = 1

        /// What the result takes as a fraction of the target.
        public var excess: Double {
            if let targetRatio { return ratio / targetRatio }
            return milliseconds / (targetMilliseconds ?? .infinity)
        }

        /// The target as it was given to `--target-latency`.
        public var target: String {
            let target = targetRatio.map(LatencyTarget.fraction)
            return (target ?? .milliseconds(targetMilliseconds ?? 0)).description
        }
    }

    /// A layer that went, with the distance without it and those before.
    public struct DroppedLayer: Sendable, Equatable, Codable {
        public var layer: Int
        public var distance: Double
    }

    public var model: String
    public var output: String
    public var data: DataRecord
    /// The texts that the result was compared on; `nil` for a part of ``data``.
    public var validation: DataRecord?
    /// The tokens by which importance was measured.
    public var calibrationTokens: Int
    public var before: Size
    public var after: Size
    /// What ``distance`` is: `kl`, or for numbers and vectors `teacher_mse`.
    public var measure: MetricName
    /// The mean distance of the pruned model's outputs from the model's, before any training.
    public var distance: Double
    /// How often both hold the same for the most probable; for numbers and vectors the correlation or cosine.
    public var agreement: Double
    /// The same of a model of as many layers, evenly chosen and otherwise whole; `nil` where no layers go.
    public var evenLayers: Trial?
    /// The layers that stay.
    public var layers: [Int]
    /// In the order in which they went; empty where they were chosen otherwise.
    public var droppedLayers: [DroppedLayer]
    /// For each layer that stays, the heads that do; `nil` where all do.
    public var heads: [[Int]]?
    /// The hidden dimensions that stay; `nil` where all do.
    public var hidden: [Int]?
    /// The shapes that a search tried and that hold to its target, in their order; empty without a search.
    public var trials: [Trial]
    /// The target of a search for a time, and what the result takes; `nil` without one.
    public var targetLatency: Latency?
    public var isCorrected: Bool
    public var phases: [RunReport.Phase]
    public var versions: RunReport.Versions

    /// Its file's name.
    public static let fileName = "pruning.json"
}
