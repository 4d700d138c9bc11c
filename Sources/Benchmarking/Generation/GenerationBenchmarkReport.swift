import Distillation

/// The results of a benchmark of language models: how fast they read prompts and write texts.
public struct GenerationBenchmarkReport: Sendable, Equatable, Codable {
    /// The models, in the order given; others are compared with the first.
    public var models: [Model]
    /// Each batch size with each length of the prompts.
    public var cells: [Cell]
    /// The settings of the measurement.
    public var settings: BenchmarkReport.Settings
    /// The machine on which it was measured.
    public var machine: Machine
    /// The program's version.
    public var version: String

    /// A model: its identity and its size.
    public struct Model: Sendable, Equatable, Codable {
        /// The name in the tables.
        public var name: String
        /// The path that was loaded.
        public var path: String
        /// The runtime.
        public var runtime: String
        /// Numbers in the model.
        public var parameters: Int
        /// The weights' bytes on disk.
        public var weightBytes: Int
        /// The largest resident size of its process after its first token, in bytes.
        public var loadedMemoryBytes: Int
        /// The same at the end.
        public var peakMemoryBytes: Int
        /// From opening the files to the logits of a first token, without starting the process; the median.
        public var loadMilliseconds: Double
        /// The fraction of the time of the other models' turns in which this one's process used a processor.
        public var idleCpuShare: Double
    }

    /// One batch size and length.
    public struct Cell: Sendable, Equatable, Codable {
        /// Texts that are written at a time.
        public var batch: Int
        /// Tokens of each prompt.
        public var promptTokens: Int
        /// Tokens that follow each.
        public var newTokens: Int
        /// In the order of the models.
        public var results: [Result]
    }

    /// One model in one cell.
    public struct Result: Sendable, Equatable, Codable {
        /// The time from the prompts' ids to the first token of every text.
        public var prefill: TimingSummary
        /// Tokens of all prompts, by the median.
        public var prefillTokensPerSecond: Double
        /// Over the first model.
        public var prefillSpeedup: Speedup
        /// The time of the tokens after the first.
        public var decode: TimingSummary
        /// Tokens of all texts, by the median.
        public var decodeTokensPerSecond: Double
        /// Over the first model.
        public var decodeSpeedup: Speedup
    }
}
