import Distillation
import Foundation

/// The results of a benchmark.
public struct BenchmarkReport: Sendable, Equatable, Codable {
    /// The models, in the order given; others are compared with the first.
    public var models: [Model]
    /// Each batch size with each length.
    public var cells: [Cell]
    /// The data's texts in bulk; `nil` without data.
    public var bulk: Bulk?
    /// The settings of the measurement.
    public var settings: Settings
    /// The machine on which it was measured.
    public var machine: Machine
    /// The data file; `nil` without data.
    public var data: DataRecord?
    /// The program's version.
    public var version: String

    /// A model: its identity, cost and quality.
    public struct Model: Sendable, Equatable, Codable {
        /// The name in the tables.
        public var name: String
        /// The path that was loaded.
        public var path: String
        /// The runtime.
        public var runtime: String
        /// The directory of the tokenizer that made its tokens.
        public var tokenizer: String
        /// Numbers in the model, scales of quantized ones not counted; `nil` where no `config.json` says.
        public var parameters: Int?
        /// The weights' bytes on disk.
        public var weightBytes: Int
        /// The largest resident size of its process after its first sentence, in bytes.
        public var loadedMemoryBytes: Int
        /// The same at the end.
        public var peakMemoryBytes: Int
        /// From opening the files to the logits of a first sentence, without starting the process; the median.
        public var loadMilliseconds: Double
        /// Each fresh process's.
        public var loadsMilliseconds: [Double]
        /// The fraction of the time of the other models' turns in which this one's process used a processor.
        public var idleCpuShare: Double
        /// By length; `nil` where no `config.json` says.
        public var multiplyAdds: [MultiplyAdds]?
        /// The metrics on the data; `nil` without data or labels.
        public var metrics: MetricValues?
        /// The fraction of the data's texts with the same prediction as the first model's; `nil` for that one, without data,
        /// and where the classes differ.
        public var agreement: Double?
    }

    /// The cost of a sentence.
    public struct MultiplyAdds: Sendable, Equatable, Codable {
        /// Its tokens.
        public var length: Int
        /// Those that the logits depend on: what is computed here.
        public var needed: Int
        /// The cost where every token goes through every layer, as other runtimes compute it.
        public var full: Int
    }

    /// One batch size and length.
    public struct Cell: Sendable, Equatable, Codable {
        /// Sentences in a forward pass.
        public var batch: Int
        /// Tokens of each.
        public var length: Int
        /// In the order of the models.
        public var results: [CellResult]
    }

    /// One model in one cell.
    public struct CellResult: Sendable, Equatable, Codable {
        /// Of one forward pass, from token ids to logits.
        public var timing: TimingSummary
        /// By the median.
        public var sentencesPerSecond: Double
        /// Over the first model.
        public var speedup: Speedup
        /// The number of forward passes before the first round.
        public var warmUpPasses: Int
        /// True if the warm-up ended because the times were stable.
        public var isWarmUpStable: Bool
        /// The number of timed forward passes of each round.
        public var passesPerRound: Int
    }

    /// The data's texts, all of them in each round.
    public struct Bulk: Sendable, Equatable, Codable {
        /// The number of texts.
        public var sentences: Int
        /// Texts in a forward pass, sorted by length.
        public var batch: Int
        /// In the order of the models.
        public var results: [BulkResult]
    }

    /// One model in bulk.
    public struct BulkResult: Sendable, Equatable, Codable {
        /// Of all texts, from token ids to logits.
        public var timing: TimingSummary
        /// By the median.
        public var sentencesPerSecond: Double
        /// Over the first model.
        public var speedup: Speedup
        /// The mean number of tokens of a text.
        public var meanLength: Double
    }

    /// The settings of a measurement.
    public struct Settings: Sendable, Equatable, Codable {
        /// The number of times each model was measured in each cell.
        public var rounds: Int
        /// The length of the measurement, all rounds together, in seconds.
        public var seconds: Double
        /// Threads of each model.
        public var threads: Int
        /// The precision our models computed in.
        public var precision: String
        /// The pause before each model's turn, in milliseconds.
        public var pauseMilliseconds: Double
        /// `OMP_WAIT_POLICY` as it was set; `nil` where it was not.
        public var ompWaitPolicy: String?
        /// Of the random tokens.
        public var seed: UInt64
    }
}
