import DistillRuntime
import JSON

extension PredictService {
    /// The description of the API for the models that are served now: OpenAPI 3.1.
    ///
    /// - Parameter hasKey: True if requests need an API key.
    public func openAPI(hasKey: Bool) -> JSONValue {
        let set = models.current
        let names = JSONValue.array(set.models.map { .string($0.name) })
        let parameter: JSONValue = [
            "name": "model", "in": "path", "required": true, "schema": ["type": "string", "enum": names],
        ]
        var paths: JSONObject = [
            "/predict": ["post": predict([set.first], nil, hasKey)],
            "/models/{model}/predict": ["post": predict(set.models, parameter, hasKey)],
            "/info": ["get": info(nil, hasKey)],
            "/models/{model}/info": ["get": info(parameter, hasKey)],
        ]
        paths["/models"] = [
            "get": operation(
                "Info of all models", nil, key: hasKey,
                ["200": response("The models", ["type": "array", "items": Self.reference("Info")])])
        ]
        paths["/health"] = ["get": operation("Liveness", nil, key: false, ["200": ["description": "Alive"]])]
        paths["/ready"] = [
            "get": operation(
                "Readiness", nil, key: false,
                ["200": ["description": "Ready"], "503": Self.error("Shutting down")])
        ]
        paths["/metrics"] = [
            "get": operation(
                "Prometheus metrics", nil, key: false,
                [
                    "200": [
                        "description": "Metrics",
                        "content": ["text/plain": ["schema": ["type": "string"]]],
                    ]
                ])
        ]
        return [
            "openapi": "3.1.0",
            "info": ["title": "distill serve", "version": .string(Version.current)],
            "paths": .object(paths),
            "components": [
                "schemas": schemas,
                "securitySchemes": hasKey ? ["key": ["type": "http", "scheme": "bearer"]] : [:],
            ],
        ]
    }

    private func operation(
        _ summary: JSONValue, _ parameter: JSONValue?, key: Bool, _ responses: JSONObject
    ) -> JSONValue {
        var (object, responses) = (JSONObject([("summary", summary)]), responses)
        if let parameter {
            object["parameters"] = [parameter]
            responses["404"] = Self.error("No model has this name")
        }
        if key {
            object["security"] = [["key": []]]
            responses["401"] = Self.error("The API key is missing or wrong")
        }
        object["responses"] = .object(responses)
        return .object(object)
    }

    private func predict(_ models: [ServedModel], _ parameter: JSONValue?, _ hasKey: Bool) -> JSONValue {
        var kinds: [JSONValue] = []
        if models.contains(where: { !$0.model.isTagger }) { kinds.append(Self.reference("Predictions")) }
        if models.contains(where: { $0.model.isTagger }) { kinds.append(Self.reference("Entities")) }
        let isTagger = models.allSatisfy { $0.model.isTagger }
        let answer: JSONValue = [
            "anyOf": .array(kinds + kinds.map { ["type": "array", "items": $0] })
        ]
        var responses = JSONObject([("200", response("The scores or entities", answer))])
        for (status, text) in [
            ("400", "`inputs` is empty"), ("408", "The body came too slowly"),
            ("413", "The body is too large"), ("415", "The body is not application/json"),
            ("422", "The request is not valid, or a text has too many tokens"),
            ("424", "The model gave no answer"), ("429", "Overloaded"), ("503", "Shutting down"),
        ] {
            responses[status] = Self.error(text)
        }
        guard case .object(var object) = operation("Predictions", parameter, key: hasKey, responses) else {
            return nil
        }
        object["requestBody"] = [
            "required": true,
            "content": [
                "application/json": [
                    "schema": Self.reference(isTagger ? "TagRequest" : "PredictRequest")
                ]
            ],
        ]
        return .object(object)
    }

    private func info(_ parameter: JSONValue?, _ hasKey: Bool) -> JSONValue {
        operation(
            "Info of a model", parameter, key: hasKey, ["200": response("Info", Self.reference("Info"))])
    }

    private func response(_ description: JSONValue, _ schema: JSONValue) -> JSONValue {
        ["description": description, "content": ["application/json": ["schema": schema]]]
    }

    private static func reference(_ name: String) -> JSONValue {
        ["$ref": .string("#/components/schemas/\(name)")]
    }

    private static func error(_ description: String) -> JSONValue {
        [
            "description": .string(description),
            "content": ["application/json": ["schema": reference("ErrorResponse")]],
        ]
    }
}

// MARK: - Schemas

extension PredictService {
    private var schemas: JSONValue {
        let text: JSONValue = ["type": "string", "minLength": 1]
        let single: JSONValue = ["type": "array", "items": text, "minItems": 1, "maxItems": 1]
        let pair: JSONValue = [
            "type": "array", "items": ["type": "string"], "minItems": 2, "maxItems": 2, "contains": text,
        ]
        func inputs(_ batchItem: JSONValue, _ others: [JSONValue]) -> JSONValue {
            let batch: JSONValue = [
                "type": "array", "items": batchItem, "minItems": 1,
                "maxItems": .integer(limits.maxClientBatchSize),
            ]
            return ["anyOf": .array([text, single] + others + [batch])]
        }
        let truncation: [(String, JSONValue)] = [
            ("truncate", ["type": ["boolean", "null"]]),
            ("truncation_direction", ["type": "string", "enum": ["Left", "Right"], "default": "Right"]),
        ]
        func request(_ inputs: JSONValue, _ more: [(String, JSONValue)]) -> JSONValue {
            [
                "type": "object", "required": ["inputs"],
                "properties": .object(JSONObject([("inputs", inputs)] + truncation + more)),
            ]
        }
        return [
            "PredictRequest": request(
                inputs(["anyOf": [single, pair]], [pair]),
                [("raw_scores", ["type": "boolean", "default": false])]),
            "TagRequest": request(
                inputs(single, []), [("raw_scores", ["type": "boolean", "enum": [false]])]),
            "Predictions": Self.list(["score": ["type": "number"], "label": ["type": "string"]]),
            "Entities": Self.entities,
            "Info": Self.infoSchema,
            "ErrorResponse": Self.object([
                "error": ["type": "string"],
                "error_type": [
                    "type": "string",
                    "enum": .array(ServingError.Kind.allCases.map { .string($0.rawValue) }),
                ],
            ]),
        ]
    }

    private static func object(_ properties: JSONObject) -> JSONValue {
        [
            "type": "object", "required": .array(properties.keys.map { .string($0) }),
            "properties": .object(properties),
        ]
    }

    private static func list(_ properties: JSONObject) -> JSONValue {
        ["type": "array", "items": object(properties)]
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
