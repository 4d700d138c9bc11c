import JSON

extension PredictService {
    /// The forms of requests and answers.
    var schemas: JSONValue {
        var all: JSONObject = [
            "Predictions": Self.list(["score": ["type": "number"], "label": ["type": "string"]]),
            "Entities": Self.entities, "Info": Self.infoSchema,
            "ErrorResponse": Self.object(["error": ["type": "string"], "error_type": Self.errorTypes]),
            "OpenAIErrorResponse": Self.object([
                "message": ["type": "string"], "code": ["type": "integer"], "type": Self.errorTypes,
            ]),
        ]
        for (name, schema) in predictRequests + embedRequests + tokenRequests + Self.answers {
            all[name] = schema
        }
        return .object(all)
    }

    private static let truncation: [(String, JSONValue)] = [
        ("truncate", ["type": ["boolean", "null"]]),
        (
            "truncation_direction",
            ["type": "string", "enum": ["Left", "Right", "left", "right"], "default": "Right"]
        ),
    ]
    private static let text: JSONValue = ["type": "string", "minLength": 1]
    private static func flag(_ value: Bool) -> JSONValue { ["type": "boolean", "default": .bool(value)] }

    private static func request(
        _ required: [(String, JSONValue)], _ more: [(String, JSONValue)]
    ) -> JSONValue {
        [
            "type": "object", "required": .array(required.map { .string($0.0) }),
            "properties": .object(JSONObject(required + more)),
        ]
    }

    private func batch(_ items: JSONValue, least: Int = 1, most: Int? = nil) -> JSONValue {
        [
            "type": "array", "items": items, "minItems": .integer(least),
            "maxItems": .integer(most ?? limits.maxClientBatchSize),
        ]
    }

    /// A list of ids that are tokens of all models.
    private static func ids(_ models: [ServedModel]) -> JSONValue {
        let largest = models.map { Int($0.tokenizer.largestTokenID) }.min() ?? 0
        return [
            "type": "array", "minItems": 1,
            "items": ["type": "integer", "minimum": 0, "maximum": .integer(largest)],
        ]
    }

    /// The name of a prompt that all models have, or null.
    private static func prompt(_ models: [ServedModel]) -> (String, JSONValue) {
        var names = models.first?.promptNames ?? []
        for model in models { names = names.filter(model.promptNames.contains) }
        return ("prompt_name", ["enum": .array(names.map(JSONValue.string) + [.null])])
    }

    private var predictRequests: [(String, JSONValue)] {
        let text = Self.text
        let single: JSONValue = ["type": "array", "items": text, "minItems": 1, "maxItems": 1]
        let pair: JSONValue = [
            "type": "array", "items": ["type": "string"], "minItems": 2, "maxItems": 2, "contains": text,
        ]
        func inputs(_ item: JSONValue, _ others: [JSONValue]) -> JSONValue {
            ["anyOf": .array([text, single] + others + [batch(item)])]
        }
        return [
            (
                "PredictRequest",
                Self.request(
                    [("inputs", inputs(["anyOf": [single, pair]], [pair]))],
                    Self.truncation + [("raw_scores", Self.flag(false))])
            ),
            (
                "TagRequest",
                Self.request(
                    [("inputs", inputs(single, []))],
                    Self.truncation + [("raw_scores", ["type": "boolean", "enum": [false]])])
            ),
            ("RerankRequest", rerankRequest),
        ]
    }

    private var rerankRequest: JSONValue {
        let request = Self.request(
            [("query", ["type": "string"]), ("texts", batch(["type": "string"]))],
            Self.truncation + [("raw_scores", Self.flag(false)), ("return_text", Self.flag(false))])
        guard case .object(var object) = request else { return nil }
        // Of a pair one may be empty, not both.
        object["anyOf"] = [
            ["properties": ["query": Self.text]], ["properties": ["texts": ["items": Self.text]]],
        ]
        return .object(object)
    }

    private var embedRequests: [(String, JSONValue)] {
        let embedders = models.current.models.filter { $0.kind == .embedding }
        let ids = Self.ids(embedders)
        let inputs: JSONValue = ["anyOf": [Self.text, ids, batch(["anyOf": [Self.text, ids]])]]
        let prompt = Self.prompt(embedders)
        let width = embedders.compactMap(\.dimension).min() ?? 1
        let dimensions: (String, JSONValue) = (
            "dimensions", ["type": ["integer", "null"], "minimum": 1, "maximum": .integer(width)]
        )
        return [
            (
                "EmbedRequest",
                Self.request(
                    [("inputs", inputs)],
                    Self.truncation + [prompt, ("normalize", Self.flag(true)), dimensions])
            ),
            ("EmbedAllRequest", Self.request([("inputs", inputs)], Self.truncation + [prompt])),
            (
                "SimilarityRequest",
                Self.request(
                    [
                        (
                            "inputs",
                            Self.request(
                                [
                                    ("source_sentence", Self.text),
                                    ("sentences", batch(Self.text, most: limits.maxClientBatchSize - 1)),
                                ], [])
                        )
                    ],
                    [
                        (
                            "parameters",
                            [
                                "type": ["object", "null"],
                                "properties": .object(JSONObject(Self.truncation + [prompt])),
                            ]
                        )
                    ])
            ),
            (
                "OpenAIRequest",
                Self.request(
                    [("input", inputs)],
                    [
                        ("model", ["type": ["string", "null"]]), ("user", [:]),
                        (
                            "encoding_format",
                            [
                                "type": ["string", "null"], "enum": ["float", "base64", nil],
                                "default": "float",
                            ]
                        ), dimensions,
                    ])
            ),
        ]
    }

    private var tokenRequests: [(String, JSONValue)] {
        let string: JSONValue = ["type": "string"]
        let ids = Self.ids(models.current.models)
        return [
            (
                "TokenizeRequest",
                Self.request(
                    [("inputs", ["anyOf": [string, batch(string)]])],
                    [("add_special_tokens", Self.flag(true)), Self.prompt(models.current.models)])
            ),
            (
                "DecodeRequest",
                Self.request(
                    [("ids", ["anyOf": [ids, batch(ids)]])], [("skip_special_tokens", Self.flag(true))])
            ),
        ]
    }

    // MARK: - Answers

    private static func object(_ properties: JSONObject) -> JSONValue {
        [
            "type": "object", "required": .array(properties.keys.map { .string($0) }),
            "properties": .object(properties),
        ]
    }

    private static func list(_ properties: JSONObject) -> JSONValue {
        ["type": "array", "items": object(properties)]
    }

    private static var errorTypes: JSONValue {
        ["type": "string", "enum": .array(ServingError.Kind.allCases.map { .string($0.rawValue) })]
    }

    private static var answers: [(String, JSONValue)] {
        let (number, whole): (JSONValue, JSONValue) = (["type": "number"], ["type": "integer"])
        let place: JSONValue = ["type": ["integer", "null"]]
        return [
            (
                "Ranks",
                [
                    "type": "array",
                    "items": [
                        "type": "object", "required": ["index", "score"],
                        "properties": ["index": whole, "text": ["type": "string"], "score": number],
                    ],
                ]
            ),
            (
                "OpenAIResponse",
                object([
                    "object": ["type": "string", "enum": ["list"]],
                    "data": list([
                        "object": ["type": "string", "enum": ["embedding"]],
                        "embedding": ["anyOf": [["type": "array", "items": number], ["type": "string"]]],
                        "index": whole,
                    ]),
                    "model": ["type": "string"],
                    "usage": object(["prompt_tokens": whole, "total_tokens": whole]),
                ])
            ),
            (
                "Token",
                object([
                    "id": whole, "text": ["type": "string"], "special": ["type": "boolean"],
                    "start": place, "stop": place,
                ])
            ),
        ]
    }

    private static var entities: JSONValue {
        [
            "type": "array",
            "items": [
                "type": "object", "required": ["score", "word", "start", "end"],
                "properties": [
                    "entity_group": ["type": "string"], "entity": ["type": "string"],
                    "index": ["type": "integer"], "score": ["type": "number"], "word": ["type": "string"],
                    "start": ["type": "integer"], "end": ["type": "integer"],
                ],
            ],
        ]
    }

    private static var infoSchema: JSONValue {
        let number: JSONValue = ["type": "integer"]
        return object([
            "model_id": ["type": "string"], "model_sha": ["type": ["string", "null"]],
            "model_dtype": ["type": "string"], "model_type": ["type": "object"],
            "max_concurrent_requests": number, "max_input_length": number, "max_batch_tokens": number,
            "max_client_batch_size": number, "auto_truncate": ["type": "boolean"],
            "tokenization_workers": number, "version": ["type": "string"],
        ])
    }
}
