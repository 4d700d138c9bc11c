import JSON

/// The body of `POST /similarity`: how similar sentences are to one.
struct SimilarityRequest: ModelRequest, Equatable {
    /// The sentence that the others are compared with, then those.
    let texts: [String]
    let options: EmbedOptions

    var isBatch: Bool { true }
    var inputCount: Int { texts.count }
    var characterCount: Int { texts.reduce(0) { $0 + $1.scalarCount } }

    init(_ body: [UInt8]) throws(ServingError) {
        let body = try RequestBody(
            body, needs: "inputs", hint: "an object with `source_sentence` and `sentences`")
        guard let object = body.object["inputs"]?.objectValue else {
            throw ServingError(
                .validation, "`inputs` must be an object with `source_sentence` and `sentences`")
        }
        let inputs = RequestBody(object)
        guard let source = object["source_sentence"]?.stringValue else {
            throw ServingError(.validation, "`inputs.source_sentence` must be a text")
        }
        texts = [source] + (try inputs.requiredTexts("sentences", called: "inputs.sentences"))
        switch body.object["parameters"] {
        case nil, .null: options = EmbedOptions()
        case .object(let parameters): options = try EmbedOptions(RequestBody(parameters))
        default: throw ServingError(.validation, "`parameters` must be an object or null")
        }
    }

    func work(for model: ServedModel, _ limits: ServingLimits) throws(ServingError) -> ModelWork {
        let inputs = try model.inputs(texts.map(EmbedInput.text), options, limits, wantsTokens: false)
        return .compute(inputs) { values throws(ServingError) in Self.answer(values) }
    }

    private static func answer(_ values: [[Float]]) -> String {
        VectorText.array(values.dropFirst().map { cosine(values[0], $0) })
    }

    /// The cosine of the angle between two vectors; 0 where one of them has no length.
    private static func cosine(_ a: [Float], _ b: [Float]) -> Float {
        var (product, first, second) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            product += Double(x) * Double(y)
            first += Double(x) * Double(x)
            second += Double(y) * Double(y)
        }
        guard first > 0, second > 0 else { return 0 }
        return Float(max(-1, min(1, product / (first * second).squareRoot())))
    }
}
