import Architectures
import Tokenizers

/// A model for sequence classification or regression, ready to predict.
///
/// ```swift
/// let classifier = try TextClassifier("student")
/// let prediction = try classifier.predict([TextPair("A film to remember.")])[0]
/// print(prediction.label ?? "", prediction.score ?? 0)
/// ```
///
/// It is immutable: any number of threads and tasks may use one, and they share its weights.
public final class TextClassifier: Sendable {
    public let model: RuntimeModel
    /// The probability above which a label is predicted, in multi-label classification.
    public let threshold: Double

    /// Opens a model directory.
    ///
    /// - Parameters:
    ///   - path: A directory in Hugging Face format.
    ///   - options: How it is opened.
    ///   - threshold: The probability above which a label is predicted, in multi-label classification.
    /// - Throws: ``RuntimeError`` and others as ``RuntimeModel/init(_:_:)``; for a tagger, and a threshold that is not between 0 and 1.
    public convenience init(
        _ path: String, _ options: RuntimeModel.Options = .init(), threshold: Double = 0.5
    ) throws {
        try self.init(RuntimeModel(path, options), threshold: threshold)
    }

    /// Makes a classifier of a model that is open.
    ///
    /// - Throws: ``RuntimeError`` for a tagger, and a threshold that is not between 0 and 1.
    public init(_ model: RuntimeModel, threshold: Double = 0.5) throws {
        guard threshold > 0, threshold < 1 else {
            throw RuntimeError("threshold must be between 0 and 1, got \(threshold)")
        }
        guard model.task.classifiesSequences else {
            throw RuntimeError(
                "\(model.path): is a model for \(model.task.rawValue), not for sequence classification")
        }
        self.model = model
        self.threshold = threshold
    }

    /// The prediction for each text or pair, in order.
    ///
    /// - Throws: `TokenizerError` where a text cannot be encoded, ``RuntimeError`` where there is no memory.
    public func predict(_ texts: [TextPair]) throws -> [Prediction] { try predictions(texts).predictions }

    /// The logits of each text or pair, in order: a row of as many numbers as there are labels.
    ///
    /// - Throws: as the predictions'.
    public func logits(_ texts: [TextPair]) throws -> [Float] {
        guard !texts.isEmpty else { return [] }
        return try model.logits(model.tokenizer.encodeFlat(batch: texts, maxLength: model.maxLength))
    }

    /// The predictions, and the number of texts that were cut.
    package func predictions(_ texts: [TextPair]) throws -> (predictions: [Prediction], cutCount: Int) {
        guard !texts.isEmpty else { return ([], 0) }
        let encoding = try model.tokenizer.encodeFlat(batch: texts, maxLength: model.maxLength)
        let logits = try model.logits(encoding)
        let width = model.labels.count
        let predictions = texts.indices.compactMap {
            Prediction(
                logits: logits[$0 * width..<($0 + 1) * width], labels: model.labels, task: model.task,
                threshold: threshold, activation: model.configuration.scoreActivation)
        }
        return (predictions, encoding.cutCount)
    }
}
