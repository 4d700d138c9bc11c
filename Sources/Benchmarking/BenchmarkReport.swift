import Distillation
import Foundation

/// What a benchmark showed.
public struct BenchmarkReport: Sendable, Equatable, Codable {
    /// The models, in the order given; others are compared with the first.
    public var models: [Model]
    /// Each batch size with each length.
    public var cells: [Cell]
    /// The data's texts in bulk; `nil` without data.
    public var bulk: Bulk?
    /// How it was measured.
    public var settings: Settings
    /// Where it was measured.
    public var machine: Machine
    /// The data file; `nil` without data.
    public var data: DataRecord?
    /// The program's version.
    public var version: String

    /// A model: what it is, takes and knows.
    public struct Model: Sendable, Equatable, Codable {
        /// What it is called in the tables.
        public var name: String
        /// What was loaded.
        public var path: String
        /// What ran it.
        public var runtime: String
        /// The directory of the tokenizer that made its tokens.
        public var tokenizer: String
        /// Numbers in the model, scales of quantised ones not counted; `nil` where no `config.json` tells.
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
        /// Of the time in which other models ran, the share in which this one's process used a processor.
        public var idleCpuShare: Double
        /// By length; `nil` where no `config.json` tells.
        public var multiplyAdds: [MultiplyAdds]?
        /// Judged on the data; `nil` without data or labels.
        public var metrics: MetricValues?
        /// Of the data's texts, the share with the same answer as the first model's; `nil` for that one, without data,
        /// and where the classes differ.
        public var agreement: Double?
    }

    /// What a sentence costs.
    public struct MultiplyAdds: Sendable, Equatable, Codable {
        /// Its tokens.
        public var length: Int
        /// Those that the logits depend on: what is computed here.
        public var needed: Int
        /// Where every token goes through every layer: what other runtimes compute.
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
        /// Forward passes before the first round.
        public var warmUpPasses: Int
        /// Whether the warm-up ended because the times were stable.
        public var isWarmUpStable: Bool
        /// Timed passes of each round.
        public var passesPerRound: Int
    }

    /// The data's texts, all of them in each round.
    public struct Bulk: Sendable, Equatable, Codable {
        /// How many texts.
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

    /// How it was measured.
    public struct Settings: Sendable, Equatable, Codable {
        /// How often each model was measured in each cell.
        public var rounds: Int
        /// How long, all rounds together, in seconds.
        public var seconds: Double
        /// Threads of each model.
        public var threads: Int
        /// What our models computed with.
        public var precision: String
        /// The pause before each model's turn, in milliseconds.
        public var pauseMilliseconds: Double
        /// `OMP_WAIT_POLICY` as it was set; `nil` where it was not.
        public var ompWaitPolicy: String?
        /// Of the random tokens.
        public var seed: UInt64
    }
}
