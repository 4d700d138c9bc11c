import DistillRuntime
import Files
import Foundation
import Tokenizers
import Torch
import Transformers

/// A saved model for token classification, ready to find entities in texts.
///
/// ```swift
/// let predictor = try TokenPredictor(model: URL(filePath: "tagger"), strategy: .simple)
/// for entity in try predictor.predict(["Ada Lovelace lived in London."])[0] { print(entity.label, entity.word) }
/// ```
public final class TokenPredictor {
    /// What computes the logits.
    private enum Engine {
        case runtime(TokenTagger)
        case libtorch(LoadedModel, Precision)
    }

    /// The tags by their numbers.
    public let labels: [String]
    public let maxLength: Int
    /// The settings of the model's files that are ignored; each a line for the user.
    public let warnings: [String]
    /// Windows that go through the model together where libtorch computes; a GPU has room for more.
    public var batchSize: Int
    private let engine: Engine
    private let aggregation: EntityAggregation
    private let directory: URL

    /// - Parameters:
    ///   - directory: A model directory in Hugging Face format.
    ///   - strategy: How tokens become entities, as in transformers' pipeline.
    ///   - maxLength: Longer texts are read in windows of this many tokens; `nil` for the length that the model was trained
    ///     with, or the tokenizer's.
    ///   - device: Where the model computes.
    ///   - precision: What it computes with.
    /// - Throws: ``DistillationError`` where the checkpoint is of another task, or has no trained head.
    public init(
        model directory: URL, strategy: EntityAggregation.Strategy = .simple, maxLength: Int? = nil,
        device: Device = .cpu, precision: Precision = .float32
    ) throws {
        let task = try ModelConfiguration(contentsOf: directory).task
        guard task.definition.labelsWords else {
            throw DistillationError(
                "\(directory.path): is a model for \(task.rawValue), not for token classification")
        }
        self.directory = directory
        batchSize = device.kind == .cuda ? 256 : 32
        if let runtime = try RuntimeChoice.model(
            directory, maxLength: maxLength, device: device, precision: precision)
        {
            (labels, warnings) = (runtime.labels, runtime.warnings)
            self.maxLength = runtime.maxLength
            let tagger = try TokenTagger(runtime, strategy: strategy)
            aggregation = tagger.aggregation
            engine = .runtime(tagger)
            return
        }
        let loaded = try LoadedModel(directory, device: device)
        labels = loaded.labels.names
        warnings = loaded.warnings
        self.maxLength = loaded.maxLength(maxLength)
        aggregation = EntityAggregation(strategy: strategy, labels: labels)
        engine = .libtorch(loaded, precision)
    }

    /// Returns true if a model directory holds a model for token classification.
    ///
    /// - Throws: `TransformersError` where it holds none that can be read.
    public static func isFor(_ directory: URL) throws -> Bool {
        try ModelConfiguration(contentsOf: directory).task.definition.labelsWords
    }

    /// The entities of each text, in order.
    ///
    /// - Throws: `TokenizerError` where a text cannot be encoded; `TorchError`.
    public func predict(_ texts: [String]) throws -> [[EntityAggregation.Entity]] {
        switch engine {
        case .runtime(let tagger): return try tagger.predict(texts)
        case .libtorch(let loaded, let precision):
            let reading = TaggedReading(
                tokenizer: loaded.tokenizer, aggregation: aggregation, maxLength: maxLength)
            return try reading.entities(of: texts) { input in
                var rows: [Float] = []
                for start in stride(from: 0, to: input.count, by: batchSize) {
                    rows += try logits(
                        of: start..<min(start + batchSize, input.count), input, loaded.model, precision)
                }
                return rows
            }
        }
    }

    /// The logits of the tokens of some windows.
    private func logits(
        of windows: Range<Int>, _ encoding: FlatEncoding, _ model: TransformerModel, _ precision: Precision
    ) throws -> [Float] {
        let first = encoding.offsets[windows.lowerBound]
        let tokens = first..<encoding.offsets[windows.upperBound]
        var input = PackedInput(inputIDs: Array(encoding.ids[tokens]), tokenTypeIDs: nil, offsets: [])
        input.offsets = encoding.offsets[windows.lowerBound...windows.upperBound].map { $0 - first }
        let types = encoding.typeIDs[tokens]
        if types.contains(where: { $0 != 0 }) { input.tokenTypeIDs = Array(types) }
        let rows: [Float] = try withNoGrad {
            try model(input, ForwardOptions(precision: precision)).logits.array()
        }
        if let value = rows.first(where: { !$0.isFinite }) {
            throw NonFiniteLogitsError(
                directory.path(percentEncoded: false), example: windows.lowerBound, value: value)
        }
        return rows
    }
}
