import Datasets
import Foundation
import Tokenizers
import Torch
import Transformers

/// A saved classifier, ready to predict.
///
/// ```swift
/// let predictor = try Predictor(model: URL(filePath: "student"))
/// let prediction = try predictor.predict([TextPair("A film to remember.")])[0]
/// print(prediction.label ?? "", prediction.score ?? 0)
/// ```
public final class Predictor {
    public let labels: [String]
    /// The task of the model, which says what its predictions mean.
    public let problemType: TaskIdentifier
    /// In multi-label classification, the labels of a greater probability are predicted.
    public let threshold: Double
    public let maxLength: Int
    /// The settings of the model's files that are ignored; each a line for the user.
    public let warnings: [String]
    /// The number of texts that were cut so far, of all that were predicted.
    public private(set) var cutCount = 0
    public private(set) var answeredCount = 0
    let model: TransformerModel
    private let precision: Precision
    let tokenizer: Tokenizer
    private let directory: URL
    /// Texts that go through the model together; a GPU has room for more.
    public var batchSize: Int { didSet { precondition(batchSize > 0, "a batch has at least one text") } }

    /// - Parameters:
    ///   - directory: A model directory in Hugging Face format.
    ///   - maxLength: Longer inputs are cut to this many tokens; `nil` for the length that the model was trained with, or
    ///     the tokenizer's.
    ///   - device: The device on which the model computes.
    ///   - precision: The precision it computes in.
    ///   - threshold: The probability above which a label is predicted, in multi-label classification.
    /// - Throws: ``DistillationError`` where the checkpoint has no trained classifier head, and for a threshold that is not
    ///   between 0 and 1.
    public init(
        model directory: URL, maxLength: Int? = nil, device: Device = .cpu, precision: Precision = .float32,
        threshold: Double = 0.5
    ) throws {
        guard threshold > 0, threshold < 1 else {
            throw DistillationError("threshold must be between 0 and 1, got \(threshold)")
        }
        self.threshold = threshold
        self.directory = directory
        let loaded = try LoadedModel(directory, device: device)
        model = loaded.model
        self.precision = precision
        batchSize = device.kind == .cuda ? 256 : 64
        tokenizer = loaded.tokenizer
        labels = loaded.labels.names
        problemType = loaded.model.configuration.task
        self.maxLength = loaded.maxLength(maxLength)
        warnings = loaded.warnings
    }

    /// Returns the model's prediction for each input.
    ///
    /// - Throws: `TokenizerError` where a text cannot be encoded; `TorchError`.
    public func predict(_ inputs: [TextPair]) throws -> [Prediction] {
        guard !inputs.isEmpty else { return [] }
        let encoding = try tokenizer.encodeFlat(
            batch: inputs, maxLength: maxLength)
        let encoded = EncodedDataset(
            inputIDs: encoding.ids, tokenTypeIDs: encoding.typeIDs, offsets: encoding.offsets,
            labels: [Int](repeating: BatchLabels.unlabelled, count: inputs.count), maxLength: maxLength)
        cutCount += encoding.cutCount
        answeredCount += inputs.count
        guard
            let logits = try Inference.logits(
                model, encoded, batchSize: batchSize, precision: precision,
                of: directory.path(percentEncoded: false))
        else { return [] }
        return try problemType.definition.predictions(logits, labels, threshold: threshold)
    }

    /// Returns the warning about texts that were cut; `nil` where none was.
    public func cutWarning(_ source: String) -> String? {
        TextLength.warning(cut: cutCount, of: answeredCount, in: source, tokens: maxLength)
    }
}

/// A model's prediction. Values that do not exist for a problem type are `nil`.
public struct Prediction: Sendable, Equatable, Codable {
    /// The most likely label, of a model that chooses one.
    public var label: String?
    /// The labels above the threshold, of a model that may choose several.
    public var labels: [String]?
    /// The label's probability, or, for regression, the number.
    public var score: Double?
    /// All labels' probabilities, in the label map's order; `nil` for regression.
    public var scores: [LabelScore]?

    public init(
        label: String? = nil, labels: [String]? = nil, score: Double? = nil, scores: [LabelScore]? = nil
    ) {
        self.label = label
        self.labels = labels
        self.score = score
        self.scores = scores
    }
}
