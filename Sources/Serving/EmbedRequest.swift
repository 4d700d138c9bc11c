import DistillRuntime
import JSON
import Tokenizers

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
struct EmbedRequest: EmbeddingRequest, Equatable {
    let given: EmbedInputs
    let options: EmbedOptions

    init(_ body: [UInt8]) throws(ServingError) {
        let body = try RequestBody(body, needs: "inputs", hint: "a text or a list of texts")
        given = try EmbedInputs(body, "inputs")
        var options = try EmbedOptions(body)
        options.normalizes = try body.truth("normalize") ?? true
        options.dimensions = try body.count("dimensions")
        self.options = options
    }

    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork {
        try options.check(model)
        let inputs = try model.inputs(given.inputs, options, limits, wantsTokens: false)
        return .compute(inputs) { values throws(ServingError) in VectorText.list(options.shaped(values)) }
    }
}

/// The body of `POST /embed_all`: a vector for each token, as the last layer gives it.
struct EmbedAllRequest: EmbeddingRequest, Equatable {
    let given: EmbedInputs
    let options: EmbedOptions

    init(_ body: [UInt8]) throws(ServingError) {
        let body = try RequestBody(body, needs: "inputs", hint: "a text or a list of texts")
        given = try EmbedInputs(body, "inputs")
        options = try EmbedOptions(body)
    }

    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork {
        guard let width = model.tokenWidth else {
            throw ServingError(
                unfit:
                    "`embed_all` is not available for '\(model.name)', a table of vectors by token; ask /embed"
            )
        }
        let inputs = try model.inputs(given.inputs, options, limits, wantsTokens: true)
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
