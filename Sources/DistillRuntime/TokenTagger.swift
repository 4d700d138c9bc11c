import Tokenizers

/// A model for token classification, ready to find entities in texts.
///
/// ```swift
/// let tagger = try TokenTagger("tagger")
/// for entity in try tagger.predict(["Ada Lovelace lived in London."])[0] { print(entity.label, entity.word) }
/// ```
///
/// It is immutable: any number of threads and tasks may use one, and they share its weights.
public final class TokenTagger: Sendable {
    public let model: RuntimeModel
    /// How tokens become entities.
    public let aggregation: EntityAggregation

    /// Opens a model directory.
    ///
    /// - Parameters:
    ///   - path: A directory in Hugging Face format.
    ///   - options: How it is opened; longer texts are read in windows that overlap.
    ///   - strategy: How tokens become entities, as in transformers' pipeline.
    /// - Throws: ``RuntimeError`` and others as ``RuntimeModel/init(_:_:)``; for a model of another task.
    public convenience init(
        _ path: String, _ options: RuntimeModel.Options = .init(),
        strategy: EntityAggregation.Strategy = .simple
    ) throws {
        try self.init(RuntimeModel(path, options), strategy: strategy)
    }

    /// Makes a tagger of a model that is open.
    ///
    /// - Throws: ``RuntimeError`` for a model of another task.
    public init(_ model: RuntimeModel, strategy: EntityAggregation.Strategy = .simple) throws {
        guard model.isTagger else {
            throw RuntimeError(
                "\(model.path): is a model for \(model.task.rawValue), not for token classification")
        }
        self.model = model
        aggregation = EntityAggregation(strategy: strategy, labels: model.labels)
    }

    /// The entities of each text, in order.
    ///
    /// - Throws: `TokenizerError` where a text cannot be encoded, ``RuntimeError`` where there is no memory.
    public func predict(_ texts: [String]) throws -> [[EntityAggregation.Entity]] { try entities(of: texts) }

    func entities(of texts: [String]) throws -> [[EntityAggregation.Entity]] {
        let reading = TaggedReading(
            tokenizer: model.tokenizer, aggregation: aggregation, maxLength: model.maxLength)
        return try reading.entities(of: texts) { try model.logits($0) }
    }
}
