import JSON

/// The body of `POST /v1/embeddings`, as OpenAI's clients send it.
struct OpenAIRequest: EmbeddingRequest, Equatable {
    let given: EmbedInputs
    let modelName: String?
    /// True for vectors in Base64, false for lists of numbers.
    let isBase64: Bool
    let options: EmbedOptions

    init(_ body: [UInt8]) throws(ServingError) {
        let body = try RequestBody(body, needs: "input", hint: "a text or a list of texts")
        given = try EmbedInputs(body, "input")
        modelName = try body.text("model")
        switch body.object["encoding_format"] {
        case nil, .null, .string("float"): isBase64 = false
        case .string("base64"): isBase64 = true
        default: throw ServingError(.validation, "`encoding_format` must be \"float\" or \"base64\"")
        }
        var options = EmbedOptions()
        options.dimensions = try body.count("dimensions")
        self.options = options
    }

    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork {
        try options.check(model)
        let inputs = try model.inputs(given.inputs, options, limits, wantsTokens: false)
        return .compute(inputs) { values throws(ServingError) in answer(model, inputs, values) }
    }

    private func answer(
        _ model: ServedModel, _ inputs: [ServedModel.Input], _ values: [[Float]]
    ) -> String {
        let data = options.shaped(values).enumerated().map { index, vector in
            let embedding = isBase64 ? "\"\(VectorText.base64(vector))\"" : VectorText.array(vector)
            return #"{"object":"embedding","embedding":\#(embedding),"index":\#(index)}"#
        }
        let tokens = inputs.reduce(0) { $0 + $1.tokenCount }
        let name = JSONValue.string(model.name).serialized()
        return #"{"object":"list","data":[\#(data.joined(separator: ","))],"model":\#(name),"#
            + #""usage":{"prompt_tokens":\#(tokens),"total_tokens":\#(tokens)}}"#
    }
}
