import Datasets
import Distillation
import Foundation
import Torch
import Transformers

/// The request of a benchmark.
public struct BenchmarkRequest: Sendable {
    /// Model directories, `.onnx` files, or directories with one; the first is what the others are compared with.
    public var models: [URL]
    /// Sentences in one forward pass.
    public var batchSizes = [1, 8, 32]
    /// Tokens of each sentence, special ones included.
    public var lengths = [16, 64, 128]
    /// Tokens that a language model writes after each prompt, of which the first belongs to the prefill.
    public var newTokens = 64
    /// Labeled texts for the metrics and for sentences per second in bulk; `nil` for neither.
    public var data: URL?
    /// The columns and format of the data.
    public var columns = DataColumns()
    /// Longer inputs are cut to this many tokens; `nil` for the length that the model was trained with, or the tokenizer's.
    public var maxLength: Int?
    /// The number of times each model is measured in each cell, in turn with the others.
    public var rounds = 5
    /// The time for which each model is measured in each cell, all rounds together, in seconds.
    public var seconds = 1.0
    /// Threads of each model; `nil` for one a core.
    public var threads: Int?
    /// The precision our models compute in; an ONNX model brings its own types.
    public var precision = Precision.float32
    /// Decides the random tokens.
    public var seed: UInt64 = 1
    /// The environment that names Python's interpreter: `DISTILL_PYTHON`, then `python3` on the PATH.
    public var environment = ProcessInfo.processInfo.environment
    /// The command that starts our models' workers; the path of a model is not among the arguments.
    public var worker: Command

    /// A program and its arguments.
    public struct Command: Sendable, Equatable {
        /// The program's file.
        public var executable: URL
        /// The arguments of the program.
        public var arguments: [String]

        /// Makes a command.
        public init(executable: URL, arguments: [String]) {
            self.executable = executable
            self.arguments = arguments
        }
    }

    /// Makes a request with the usual settings.
    ///
    /// - Parameters:
    ///   - models: At least one.
    ///   - worker: A command whose process calls ``BenchmarkWorker/run()``.
    public init(models: [URL], worker: Command) {
        self.models = models
        self.worker = worker
    }

    /// Leaves out the lengths that a model of these does not take; where none is left, the longest that all take.
    public mutating func trimLengths() {
        let limit = models.compactMap { try? BenchmarkSubject($0).maximumLength }.min() ?? .max
        let kept = lengths.filter { $0 <= limit }
        lengths = kept.isEmpty ? [limit] : kept
    }

    /// - Throws: `DistillationError` for invalid settings.
    func validate() throws {
        func require(_ holds: Bool, _ message: String) throws {
            if !holds { throw DistillationError(message) }
        }
        try require(!models.isEmpty, "there is no model to measure; give one or more with --model")
        for size in batchSizes {
            try require(size >= 1 && size <= 4096, "batch sizes must be from 1 to 4096, got \(size)")
        }
        for length in lengths {
            try require(length >= 3, "lengths must be at least 3 tokens, got \(length)")
        }
        try require(
            !batchSizes.isEmpty && !lengths.isEmpty, "give at least one batch size and one length to measure")
        try require(rounds >= 1 && rounds <= 1000, "rounds must be from 1 to 1000, got \(rounds)")
        try require(
            seconds > 0 && seconds <= 3600, "seconds must be above 0 and at most 3600, got \(seconds)")
        try require((threads ?? 1) >= 1, "threads must be at least 1, got \(threads ?? 0)")
        try TextLength.validate(maxLength)
    }
}
