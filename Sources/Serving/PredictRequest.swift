import JSON
import Tokenizers

/// The body of `POST /predict`.
public struct PredictRequest: Sendable, Equatable {
    /// The texts or pairs, at least one.
    public var inputs: [TextPair]
    /// True if the answer is an array of answers, one for each input.
    public var isBatch: Bool
    /// True to cut texts that are too long; `nil` for the server's default.
    public var truncate: Bool?
    /// The end at which they are cut.
    public var truncationSide: Side
    /// True to answer with logits.
    public var rawScores: Bool

    /// Reads a body.
    ///
    /// - Parameter body: JSON in UTF-8. Keys that are not known are passed over, as text-embeddings-inference does.
    /// - Throws: ``ServingError`` that names the key.
    public init(_ body: [UInt8]) throws(ServingError) {
        let body = try RequestBody(body, needs: "inputs", hint: "a text, a pair or a batch")
        (inputs, isBatch) = try Self.inputs(body.object["inputs"] ?? .null)
        let truncation = try body.truncation()
        (truncate, truncationSide) = (truncation.isWanted, truncation.side)
        rawScores = try body.truth("raw_scores") ?? false
    }

    /// `inputs` as texts, and whether they are a batch.
    private static func inputs(_ json: JSONValue) throws(ServingError) -> ([TextPair], isBatch: Bool) {
        switch json {
        case .string(let text): return ([TextPair(text)], false)
        case .array(let elements):
            guard let first = elements.first else {
                throw ServingError(.empty, "`inputs` cannot be empty")
            }
            // A list of texts is one text or one pair, not a batch.
            if case .string = first { return ([try text(elements)], false) }
            var texts: [TextPair] = []
            for element in elements {
                guard let parts = element.arrayValue else { throw wrongInputs }
                texts.append(try text(parts))
            }
            return (texts, true)
        default: throw wrongInputs
        }
    }

    private static func text(_ parts: [JSONValue]) throws(ServingError) -> TextPair {
        let strings = parts.compactMap(\.stringValue)
        guard strings.count == parts.count, 1...2 ~= strings.count else { throw wrongInputs }
        return TextPair(strings[0], pair: strings.count == 2 ? strings[1] : nil)
    }

    private static var wrongInputs: ServingError {
        ServingError(
            .validation,
            "`inputs` must be a text, a pair of texts [text, text], or a batch of both [[text], [text, text], …]"
        )
    }
}

extension PredictRequest: ModelRequest {
    var inputCount: Int { inputs.count }
    var characterCount: Int {
        inputs.reduce(0) { $0 + $1.text.scalarCount + ($1.pair?.scalarCount ?? 0) }
    }

    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork {
        if rawScores, model.kind == .tagger {
            throw ServingError(
                .validation, "`raw_scores` is for classifiers; a model of token classification has none")
        }
        var tokenized: [ServedModel.Input] = []
        for text in inputs {
            tokenized.append(
                try model.input(
                    text, truncate: truncate ?? limits.autoTruncate, side: truncationSide,
                    maxTokens: limits.maxBatchTokens))
        }
        let prepared = tokenized
        return .compute(prepared) { values throws(ServingError) in try answer(model, prepared, values) }
    }

    private func answer(
        _ model: ServedModel, _ inputs: [ServedModel.Input], _ values: [[Float]]
    ) throws(ServingError) -> String {
        var answers: [JSONValue] = []
        for (input, logits) in zip(inputs, values) {
            answers.append(try model.answer(input, logits, rawScores: rawScores))
        }
        return (isBatch ? .array(answers) : answers[0]).serialized()
    }
}
