import DistillRuntime
import JSON

extension PredictService {
    /// The description of the API for the models that are served now: OpenAPI 3.1. An endpoint is there where a model has an answer.
    ///
    /// - Parameter hasKey: True if requests need an API key.
    public func openAPI(hasKey: Bool) -> JSONValue {
        let set = models.current
        var paths = JSONObject()
        for endpoint in Endpoint.allCases {
            if endpoint.fits(set.first.kind) {
                paths["/" + endpoint.rawValue] = ["post": ask(endpoint, [set.first], nil, hasKey)]
            }
            let fitting = set.models.filter { endpoint.fits($0.kind) }
            if !fitting.isEmpty {
                paths["/models/{model}/" + endpoint.rawValue] = [
                    "post": ask(endpoint, fitting, Self.parameter(fitting), hasKey)
                ]
            }
        }
        paths["/info"] = ["get": info(nil, hasKey)]
        paths["/models/{model}/info"] = ["get": info(Self.parameter(set.models), hasKey)]
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

    private static func parameter(_ models: [ServedModel]) -> JSONValue {
        [
            "name": "model", "in": "path", "required": true,
            "schema": ["type": "string", "enum": .array(models.map { .string($0.name) })],
        ]
    }

    private func operation(
        _ summary: String, _ parameter: JSONValue?, key: Bool, _ responses: JSONObject,
        errors: String = "ErrorResponse"
    ) -> JSONValue {
        var (object, responses) = (JSONObject([("summary", .string(summary))]), responses)
        if let parameter {
            object["parameters"] = [parameter]
            responses["404"] = Self.error("No model has this name", errors)
        }
        if key {
            object["security"] = [["key": []]]
            responses["401"] = Self.error("The API key is missing or wrong", errors)
        }
        object["responses"] = .object(responses)
        return .object(object)
    }

    /// A question to one of some models.
    private func ask(
        _ endpoint: Endpoint, _ models: [ServedModel], _ parameter: JSONValue?, _ hasKey: Bool
    ) -> JSONValue {
        let errors = endpoint.hasOpenAIErrors ? "OpenAIErrorResponse" : "ErrorResponse"
        var responses = JSONObject([("200", response("The answer", endpoint.answerSchema(models)))])
        for (status, text) in [
            ("400", "There is no text"), ("408", "The body came too slowly"),
            ("413", "The body is too large"), ("415", "The body is not application/json"),
            ("422", "The request is not valid, or a text has too many tokens"),
            ("424", "The model gave no answer"), ("429", "Overloaded"), ("503", "Shutting down"),
        ] {
            responses[status] = Self.error(text, errors)
        }
        if endpoint == .embeddings { responses["404"] = Self.error("No model has this name", errors) }
        let described = operation(endpoint.summary, parameter, key: hasKey, responses, errors: errors)
        guard case .object(var object) = described else { return nil }
        object["requestBody"] = [
            "required": true,
            "content": [
                "application/json": ["schema": Self.reference(endpoint.requestSchemaName(models))]
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

    static func reference(_ name: String) -> JSONValue {
        ["$ref": .string("#/components/schemas/\(name)")]
    }

    private static func error(_ description: String, _ schema: String = "ErrorResponse") -> JSONValue {
        [
            "description": .string(description),
            "content": ["application/json": ["schema": reference(schema)]],
        ]
    }
}

extension Endpoint {
    fileprivate var summary: String {
        switch self {
        case .predict: "Scores of labels, or entities"
        case .rerank: "Texts in the order in which they answer a query"
        case .embed: "A vector for each text"
        case .embedAll: "A vector for each token of each text"
        case .embedSparse: "Sparse vectors"
        case .similarity: "How similar sentences are to one"
        case .embeddings: "A vector for each text, in OpenAI's form"
        case .tokenize: "The tokens of texts"
        case .decode: "The texts of tokens"
        }
    }

    fileprivate func requestSchemaName(_ models: [ServedModel]) -> String {
        switch self {
        case .predict: models.allSatisfy { $0.kind == .tagger } ? "TagRequest" : "PredictRequest"
        case .rerank: "RerankRequest"
        case .embed, .embedSparse: "EmbedRequest"
        case .embedAll: "EmbedAllRequest"
        case .similarity: "SimilarityRequest"
        case .embeddings: "OpenAIRequest"
        case .tokenize: "TokenizeRequest"
        case .decode: "DecodeRequest"
        }
    }

    fileprivate func answerSchema(_ models: [ServedModel]) -> JSONValue {
        let numbers: JSONValue = ["type": "array", "items": ["type": "number"]]
        func list(_ items: JSONValue) -> JSONValue { ["type": "array", "items": items] }
        switch self {
        case .predict:
            var kinds: [JSONValue] = []
            if models.contains(where: { $0.kind != .tagger }) {
                kinds.append(PredictService.reference("Predictions"))
            }
            if models.contains(where: { $0.kind == .tagger }) {
                kinds.append(PredictService.reference("Entities"))
            }
            return ["anyOf": .array(kinds + kinds.map(list))]
        case .rerank: return PredictService.reference("Ranks")
        case .embed, .embedSparse: return list(numbers)
        case .embedAll: return list(list(numbers))
        case .similarity: return numbers
        case .embeddings: return PredictService.reference("OpenAIResponse")
        case .tokenize: return list(list(PredictService.reference("Token")))
        case .decode: return list(["type": "string"])
        }
    }
}
