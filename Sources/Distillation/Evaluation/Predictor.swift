import Architectures
import Datasets
import DistillRuntime
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
///
/// On the CPU the runtime without libtorch computes the models that it can, as `distill-run` does.
public final class Predictor {
    /// What computes the logits.
    private enum Engine {
        case runtime(TextClassifier)
        case libtorch(LoadedModel, Precision)
    }

    public let labels: [String]
    /// The task of the model, which says what its predictions mean.
    public let problemType: TaskIdentifier
    /// In multi-label classification, the labels of a greater probability are predicted.
    public let threshold: Double
    /// True if the model may choose several labels of a text, those above ``threshold``.
    public var mayChooseSeveral: Bool { problemType.hasIndependentClasses }
    public let maxLength: Int
    /// The settings of the model's files that are ignored; each a line for the user.
    public let warnings: [String]
    /// The number of texts that were cut so far, of all that were predicted.
    public private(set) var cutCount = 0
    public private(set) var answeredCount = 0
    private let engine: Engine
    private let directory: URL
    /// Texts that go through the model together where libtorch computes; a GPU has room for more.
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
        batchSize = device.kind == .cuda ? 256 : 64
        if let runtime = try RuntimeChoice.model(
            directory, maxLength: maxLength, device: device, precision: precision)
        {
            (labels, problemType) = (runtime.labels, runtime.task)
            (self.maxLength, warnings) = (runtime.maxLength, runtime.warnings)
            engine = .runtime(try TextClassifier(runtime, threshold: threshold))
            return
        }
        let loaded = try LoadedModel(directory, device: device)
        labels = loaded.labels.names
        problemType = loaded.model.configuration.task
        self.maxLength = loaded.maxLength(maxLength)
        warnings = loaded.warnings
        engine = .libtorch(loaded, precision)
    }

    /// Returns the model's prediction for each input.
    ///
    /// - Throws: `TokenizerError` where a text cannot be encoded; `TorchError`.
    public func predict(_ inputs: [TextPair]) throws -> [Prediction] {
        guard !inputs.isEmpty else { return [] }
        switch engine {
        case .runtime(let classifier):
            let result = try classifier.predictions(inputs)
            cutCount += result.cutCount
            answeredCount += inputs.count
            return result.predictions
        case .libtorch(let loaded, let precision): return try predict(inputs, loaded, precision)
        }
    }

    private func predict(_ inputs: [TextPair], _ loaded: LoadedModel, _ precision: Precision) throws
        -> [Prediction]
    {
        let encoding = try loaded.tokenizer.encodeFlat(batch: inputs, maxLength: maxLength)
        let encoded = EncodedDataset(
            inputIDs: encoding.ids, tokenTypeIDs: encoding.typeIDs, offsets: encoding.offsets,
            labels: [Int](repeating: BatchLabels.unlabelled, count: inputs.count), maxLength: maxLength)
        cutCount += encoding.cutCount
        answeredCount += inputs.count
        guard
            let logits = try Inference.logits(
                loaded.model, encoded, batchSize: batchSize, precision: precision,
                of: directory.path(percentEncoded: false))
        else { return [] }
        if let activation = loaded.model.configuration.scoreActivation {
            return logits.predictions(labels, problemType, threshold: threshold, activation: activation)
        }
        return try problemType.definition.predictions(logits, labels, threshold: threshold)
    }

    /// Returns the warning about texts that were cut; `nil` where none was.
    public func cutWarning(_ source: String) -> String? {
        TextLength.warning(cut: cutCount, of: answeredCount, in: source, tokens: maxLength)
    }
}
