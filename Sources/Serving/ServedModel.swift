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

/// A model that is served: what a request's texts are to it, and what its numbers are to a request.
public final class ServedModel: Sendable {
    public let name: String
    let predictor: LinePredictor
    /// How a tagger reads; `nil` of other models.
    private let reading: TaggedReading?

    /// Opens a directory.
    ///
    /// - Parameters:
    ///   - reference: Its name and directory.
    ///   - options: How models are opened.
    /// - Throws: As `RuntimeModel.init` and `TextEmbedder.init`; `ServingError` for a model of another task.
    public init(_ reference: ModelReference, _ options: ModelOptions = ModelOptions()) throws {
        name = reference.name
        predictor = try LinePredictor(
            directory: reference.path,
            .init(
                .init(maxLength: options.maxLength, usesBFloat16: options.usesBFloat16),
                strategy: options.aggregation))
        if case .tagger(let tagger) = predictor {
            reading = TaggedReading(
                tokenizer: tagger.model.tokenizer, aggregation: tagger.aggregation,
                maxLength: tagger.model.maxLength)
        } else {
            reading = nil
        }
    }

    /// The directory.
    public var path: String { predictor.path }
    public var tokenizer: Tokenizer { predictor.tokenizer }
    /// The settings of the files that are ignored; each a line for the user.
    public var warnings: [String] { predictor.warnings }
    /// The number of tokens of a text that are read; `nil` for all that a batch takes.
    public var maxLength: Int? { predictor.maxLength }
    /// The labels' names by their numbers; none of an embedding model.
    public var labels: [String] { predictor.labels }
    /// The number of positions that the model has; `nil` for any.
    public var mostTokens: Int? { predictor.mostTokens }

    /// What it is to requests.
    public var kind: ModelKind {
        switch predictor {
        case .classifier(let classifier): classifier.model.labels.count == 1 ? .reranker : .classifier
        case .tagger: .tagger
        case .embedder: .embedding
        }
    }

    /// A text or pair that is tokenized.
    struct Input: Sendable {
        let tokens: FlatEncoding
        var passage: TaggedReading.Passage?
        /// The number of tokens of a prompt that does not count.
        var promptLength = 0
        /// True for the vectors of tokens in place of the text's.
        var wantsTokens = false

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
        var tokens = try tokenizer.encodeFlat(batch: [text], threads: 1)
        if let maxLength, tokens.ids.count > maxLength {
            guard truncate else { throw tooLong(tokens.ids.count, maxLength) }
            tokens = try tokenizer.encodeFlat(
                batch: [text], maxLength: maxLength, truncationSide: side, threads: 1)
        }
        return Input(tokens: tokens)
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

    func tooLong(_ count: Int, _ limit: Int) -> ServingError {
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
            return .array(labelled(logits.map(Double.init), raw: rawScores))
        }
        do {
            return .array(try reading.entities(of: passage, logits[...]).map(\.json))
        } catch {
            throw ServingError(.tokenizer, "the entities cannot be decoded: \(error)")
        }
    }

    /// Logits as scores with their labels, in descending order.
    private func labelled(_ logits: [Double], raw: Bool) -> [JSONValue] {
        let values = scores(logits, raw: raw)
        let order = values.indices.sorted { (values[$1], $0) < (values[$0], $1) }
        return order.map { ["score": .number(values[$0]), "label": .string(labels[$0])] }
    }

    /// Logits as scores, by the labels' numbers.
    func scores(_ logits: [Double], raw: Bool) -> [Double] {
        if raw { return logits }
        if logits.count == 1 || predictor.model?.task.hasIndependentClasses == true {
            return logits.map { 1 / (1 + exp(-$0)) }
        }
        return softmax(logits)
    }
}
