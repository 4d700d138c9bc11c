import Architectures
import DistillRuntime
import JSON
import Tokenizers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A model that is served: what a request's texts are to it, and what its logits are to a request.
public final class ServedModel: Sendable {
    public let name: String
    public let model: RuntimeModel
    /// How a tagger reads; `nil` for a classifier.
    private let reading: TaggedReading?

    /// Opens a directory.
    ///
    /// - Parameters:
    ///   - reference: Its name and directory.
    ///   - options: How models are opened.
    /// - Throws: As `RuntimeModel.init`; `ServingError` for a model of another task.
    public init(_ reference: ModelReference, _ options: ModelOptions = ModelOptions()) throws {
        name = reference.name
        model = try RuntimeModel(
            reference.path, .init(maxLength: options.maxLength, usesBFloat16: options.usesBFloat16))
        reading =
            model.isTagger
            ? TaggedReading(
                tokenizer: model.tokenizer,
                aggregation: EntityAggregation(strategy: options.aggregation, labels: model.labels),
                maxLength: model.maxLength) : nil
    }

    /// A text or pair that is tokenized.
    struct Input: Sendable {
        let tokens: FlatEncoding
        let passage: TaggedReading.Passage?
        var tokenCount: Int { tokens.ids.count }
    }

    /// Tokenizes a text or pair.
    ///
    /// - Parameters:
    ///   - text: The text or pair.
    ///   - truncate: True to cut it where it is longer than the model reads; else that is an error. A tagger reads a longer text in
    ///     windows where it is not cut.
    ///   - side: The end at which it is cut.
    ///   - maxTokens: The number of tokens that one batch takes.
    /// - Throws: ``ServingError`` for a text that is empty, too long, or that the tokenizer refuses.
    func input(_ text: TextPair, truncate: Bool, side: Side, maxTokens: Int) throws(ServingError) -> Input {
        guard !text.text.isEmpty || text.pair?.isEmpty == false else {
            throw ServingError(.empty, "`inputs` cannot be empty")
        }
        do {
            return try reading.map {
                try passage($0, text, truncate: truncate, side: side, maxTokens: maxTokens)
            } ?? row(text, truncate: truncate, side: side)
        } catch let error as ServingError {
            throw error
        } catch {
            throw ServingError(.tokenizer, "the text cannot be tokenized: \(error)")
        }
    }

    private func row(_ text: TextPair, truncate: Bool, side: Side) throws -> Input {
        var tokens = try model.tokenizer.encodeFlat(batch: [text], threads: 1)
        if tokens.ids.count > model.maxLength {
            guard truncate else { throw tooLong(tokens.ids.count, model.maxLength) }
            tokens = try model.tokenizer.encodeFlat(
                batch: [text], maxLength: model.maxLength, truncationSide: side, threads: 1)
        }
        return Input(tokens: tokens, passage: nil)
    }

    private func passage(
        _ reading: TaggedReading, _ text: TextPair, truncate: Bool, side: Side, maxTokens: Int
    ) throws -> Input {
        guard text.pair == nil else {
            throw ServingError(.validation, "a model of token classification reads single texts, no pairs")
        }
        let passage = try reading.passage(text.text, isCut: truncate, side: side)
        guard passage.tokenCount <= maxTokens else { throw tooLong(passage.tokenCount, maxTokens) }
        return Input(tokens: passage.input, passage: passage)
    }

    private func tooLong(_ count: Int, _ limit: Int) -> ServingError {
        ServingError(
            .validation,
            "`inputs` must have at most \(limit) tokens, \(count) were given; shorten the text, or set `truncate`"
        )
    }

    /// The answer that logits are: for a classifier its labels with scores, in descending order; for a tagger its entities.
    ///
    /// A single label has its sigmoid, several one softmax; several of a model that may choose more than one have each its sigmoid.
    ///
    /// - Throws: ``ServingError`` for raw scores of a tagger.
    func answer(_ input: Input, _ logits: [Float], rawScores: Bool) throws(ServingError) -> JSONValue {
        guard let reading, let passage = input.passage else {
            return .array(scores(logits.map(Double.init), raw: rawScores))
        }
        do {
            return .array(try reading.entities(of: passage, logits[...]).map(\.json))
        } catch {
            throw ServingError(.tokenizer, "the entities cannot be decoded: \(error)")
        }
    }

    /// - Throws: ``ServingError`` for a request that this model has no answer for.
    func check(_ request: PredictRequest) throws(ServingError) {
        if request.rawScores, model.isTagger {
            throw ServingError(
                .validation, "`raw_scores` is for classifiers; a model of token classification has none")
        }
    }

    private func scores(_ logits: [Double], raw: Bool) -> [JSONValue] {
        let values: [Double] =
            if raw {
                logits
            } else if logits.count == 1 || model.task.hasIndependentClasses {
                logits.map { 1 / (1 + exp(-$0)) }
            } else {
                softmax(logits)
            }
        let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
        return order.map { index in
            ["score": .number(values[index]), "label": .string(model.labels[index])]
        }
    }
}
