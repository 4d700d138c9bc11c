import DistillRuntime
import JSON
import Tokenizers

/// A text to embed, or the numbers of its tokens, special ones included, as `/tokenize` gives them.
enum EmbedInput: Sendable, Equatable {
    case text(String)
    case ids([Int32])

    /// Reads a text, a list of ids, or a list of texts and lists of ids.
    ///
    /// - Returns: At least one input, and whether they are a batch.
    /// - Throws: ``ServingError`` that names the key.
    static func read(_ value: JSONValue?, _ key: String) throws(ServingError) -> ([EmbedInput], isBatch: Bool)
    {
        let wrong = ServingError(
            .validation,
            "`\(key)` must be a text, a list of texts, a list of token ids, or a list of lists of token ids")
        if case .string(let text)? = value { return ([.text(text)], false) }
        guard let elements = value?.arrayValue else { throw wrong }
        guard let first = elements.first else { throw ServingError(.empty, "`\(key)` cannot be empty") }
        if first.stringValue == nil, first.arrayValue == nil {
            guard let ids = ids(elements) else { throw wrong }
            return ([.ids(ids)], false)
        }
        var inputs: [EmbedInput] = []
        for element in elements {
            if let text = element.stringValue {
                inputs.append(.text(text))
            } else if let ids = element.arrayValue.flatMap(ids) {
                inputs.append(.ids(ids))
            } else {
                throw wrong
            }
        }
        return (inputs, true)
    }

    /// Token ids; `nil` where an element is none.
    static func ids(_ elements: [JSONValue]) -> [Int32]? {
        var ids: [Int32] = []
        for element in elements {
            guard let value = element.wholeNumber, let id = Int32(exactly: value), id >= 0 else { return nil }
            ids.append(id)
        }
        return ids
    }

    /// Characters, or tokens where there are no characters.
    var characterCount: Int {
        switch self {
        case .text(let text): text.scalarCount
        case .ids(let ids): ids.count
        }
    }
}

/// How texts are made vectors.
struct EmbedOptions: Sendable, Equatable {
    var truncation = TruncationChoice()
    /// The prompt before each text; `nil` for the model's default.
    var promptName: String?
    /// True for vectors of length 1, whatever the model's own modules end with.
    var normalizes = true
    /// The number of components that are kept, of the first ones (Matryoshka embeddings); `nil` for all.
    var dimensions: Int?

    init() {}

    /// Reads the keys that several bodies share.
    init(_ body: RequestBody) throws(ServingError) {
        truncation = try body.truncation()
        promptName = try body.text("prompt_name")
    }

    /// The vectors as they are asked for.
    ///
    func shaped(_ vectors: [[Float]]) -> [[Float]] {
        vectors.map { vector in
            let kept = dimensions.map { Array(vector.prefix($0)) } ?? vector
            return normalizes ? kept.normalized : kept
        }
    }

    /// - Throws: ``ServingError`` for more components than the model's vectors have.
    func check(_ model: ServedModel) throws(ServingError) {
        guard let dimensions, let width = model.dimension, dimensions > width else { return }
        throw ServingError(
            .validation,
            "`dimensions` should be smaller than the maximum embedding dimension: it is \(dimensions), the model's vectors have "
                + "\(width) components")
    }
}

extension [Float] {
    /// The vector divided by its Euclidean length; zeros stay zeros.
    var normalized: [Float] {
        let length = reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        guard length > 0 else { return self }
        let scale = Float(1 / length)
        return map { $0 * scale }
    }
}

/// The body of `POST /embed`.
struct EmbedRequest: ModelRequest, Equatable {
    let inputs: [EmbedInput]
    let isBatch: Bool
    let options: EmbedOptions

    var inputCount: Int { inputs.count }
    var characterCount: Int { inputs.reduce(0) { $0 + $1.characterCount } }

    init(_ body: [UInt8]) throws(ServingError) {
        let body = try RequestBody(body, needs: "inputs", hint: "a text or a list of texts")
        (inputs, isBatch) = try EmbedInput.read(body.object["inputs"], "inputs")
        var options = try EmbedOptions(body)
        options.normalizes = try body.truth("normalize") ?? true
        options.dimensions = try body.count("dimensions")
        self.options = options
    }

    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork {
        try options.check(model)
        let inputs = try model.inputs(inputs, options, limits, wantsTokens: false)
        return .compute(inputs) { values throws(ServingError) in VectorText.list(options.shaped(values)) }
    }
}

/// The body of `POST /embed_all`: a vector for each token, as the last layer gives it.
struct EmbedAllRequest: ModelRequest, Equatable {
    let inputs: [EmbedInput]
    let isBatch: Bool
    let options: EmbedOptions

    var inputCount: Int { inputs.count }
    var characterCount: Int { inputs.reduce(0) { $0 + $1.characterCount } }

    init(_ body: [UInt8]) throws(ServingError) {
        let body = try RequestBody(body, needs: "inputs", hint: "a text or a list of texts")
        (inputs, isBatch) = try EmbedInput.read(body.object["inputs"], "inputs")
        options = try EmbedOptions(body)
    }

    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork {
        guard let width = model.tokenWidth else {
            throw ServingError(
                unfit:
                    "`embed_all` is not available for '\(model.name)', a table of vectors by token; ask /embed"
            )
        }
        let inputs = try model.inputs(inputs, options, limits, wantsTokens: true)
        return .compute(inputs) { values throws(ServingError) in Self.answer(values, width: width) }
    }

    private static func answer(_ values: [[Float]], width: Int) -> String {
        let texts = values.map { states in
            VectorText.list(
                stride(from: 0, to: states.count, by: width).map { states[$0..<$0 + width] })
        }
        return "[" + texts.joined(separator: ",") + "]"
    }
}
