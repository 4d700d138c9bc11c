import JSON

extension DistillClient {
    /// How texts are made vectors.
    public struct EmbedOptions: Sendable {
        /// The model's name; `nil` for the server's first one.
        public var model: String?
        /// The name of the prompt before each text; `nil` for the model's default.
        public var promptName: String?
        /// True to cut texts that are too long; `nil` for the server's default.
        public var truncate: Bool?
        /// True for vectors of length 1.
        public var normalize = true
        /// The number of components that are kept, of the first ones; `nil` for all.
        public var dimensions: Int?

        public init(
            model: String? = nil, promptName: String? = nil, truncate: Bool? = nil, normalize: Bool = true,
            dimensions: Int? = nil
        ) {
            (self.model, self.promptName, self.truncate) = (model, promptName, truncate)
            (self.normalize, self.dimensions) = (normalize, dimensions)
        }

        fileprivate var parameters: JSONObject {
            var object = JSONObject()
            if let truncate { object["truncate"] = .bool(truncate) }
            if let promptName { object["prompt_name"] = .string(promptName) }
            return object
        }
    }

    /// A text's place among those that a query ranks.
    public struct Rank: Sendable, Equatable {
        /// The text's place in what was sent.
        public let index: Int
        public let score: Double
    }

    /// An answer in OpenAI's form.
    public struct OpenAIEmbeddings: Sendable, Equatable {
        /// The vectors of the texts, in order.
        public let vectors: [[Float]]
        /// The name of the model that gave them.
        public let model: String
        /// The number of tokens of all texts.
        public let promptTokens: Int
    }

    /// The vector of each text, in order.
    ///
    /// - Throws: ``DistillClientError``, or an error of the network.
    public func embed(_ texts: [String], _ options: EmbedOptions = EmbedOptions()) async throws -> [[Float]] {
        var vectors: [[Float]] = []
        for part in parts(of: texts, size: configuration.batchSize) {
            var body = options.parameters
            body["inputs"] = .array(part.map(JSONValue.string))
            body["normalize"] = .bool(options.normalize)
            if let dimensions = options.dimensions { body["dimensions"] = .integer(dimensions) }
            let answer = try await post(path("embed", options.model), .object(body))
            let found = try list(answer, count: part.count).map(vector)
            vectors += found
        }
        return vectors
    }

    /// How similar sentences are to one: the cosines of the angles between their vectors, in order.
    ///
    /// - Throws: ``DistillClientError``, or an error of the network.
    public func similarity(
        _ source: String, _ sentences: [String], _ options: EmbedOptions = EmbedOptions()
    ) async throws -> [Float] {
        var values: [Float] = []
        // The sentence itself counts among those of a request.
        for part in parts(of: sentences, size: configuration.batchSize - 1) {
            let body: JSONValue = [
                "inputs": [
                    "source_sentence": .string(source), "sentences": .array(part.map(JSONValue.string)),
                ],
                "parameters": .object(options.parameters),
            ]
            let answer = try vector(try await post(path("similarity", options.model), body))
            guard answer.count == part.count else {
                throw DistillClientError.unexpected("not an answer for each sentence")
            }
            values += answer
        }
        return values
    }

    /// Texts in the order in which they answer a query, the best first, as a server of a cross-encoder ranks them.
    ///
    /// - Throws: ``DistillClientError``, or an error of the network.
    public func rerank(
        _ query: String, _ texts: [String], _ options: Options = Options()
    ) async throws -> [Rank] {
        var ranks: [Rank] = []
        for part in parts(of: texts, size: configuration.batchSize) {
            var body: JSONObject = [
                "query": .string(query), "texts": .array(part.map(JSONValue.string)),
            ]
            if let truncate = options.truncate { body["truncate"] = .bool(truncate) }
            if options.rawScores { body["raw_scores"] = true }
            let answer = try await post(path("rerank", options.model), .object(body))
            let found = try elements(answer).map { element in
                guard let index = element["index"]?.intValue, part.indices.contains(part.startIndex + index),
                    index >= 0, let score = element["score"]?.doubleValue
                else { throw DistillClientError.unexpected("a rank lacks its index or score") }
                return Rank(index: part.startIndex + index, score: score)
            }
            guard found.count == part.count else {
                throw DistillClientError.unexpected("not a rank for each text")
            }
            ranks += found
        }
        return ranks.sorted { ($1.score, $0.index) < ($0.score, $1.index) }
    }

    /// The vector of each text, of a server that has OpenAI's form of the API.
    ///
    /// - Parameters:
    ///   - texts: The texts.
    ///   - model: The model's name.
    ///   - dimensions: The number of components that are kept, of the first ones; `nil` for all.
    /// - Throws: ``DistillClientError``, or an error of the network.
    public func openAIEmbeddings(
        _ texts: [String], model: String, dimensions: Int? = nil
    ) async throws -> OpenAIEmbeddings {
        var (vectors, name, tokens): ([[Float]], String, Int) = ([], model, 0)
        for part in parts(of: texts, size: configuration.batchSize) {
            var body: JSONObject = [
                "input": .array(part.map(JSONValue.string)), "model": .string(model),
                "encoding_format": "float",
            ]
            if let dimensions { body["dimensions"] = .integer(dimensions) }
            let answer = try await post("/v1/embeddings", .object(body))
            guard let object = answer.objectValue, let data = object["data"] else {
                throw DistillClientError.unexpected("an answer without `data`")
            }
            let elements = try elements(data)
            guard elements.count == part.count,
                elements.enumerated().allSatisfy({ $1["index"]?.intValue == $0 })
            else { throw DistillClientError.unexpected("not a vector for each text, in order") }
            vectors += try elements.map { try vector($0["embedding"] ?? .null) }
            name = object["model"]?.stringValue ?? name
            tokens += object["usage"]?.objectValue?["prompt_tokens"]?.intValue ?? 0
        }
        return OpenAIEmbeddings(vectors: vectors, model: name, promptTokens: tokens)
    }

    // MARK: - Requests and answers

    private func path(_ endpoint: String, _ model: String?) -> String {
        model.map { "/models/\($0)/\(endpoint)" } ?? "/\(endpoint)"
    }

    private func parts(of texts: [String], size: Int) -> [ArraySlice<String>] {
        stride(from: 0, to: texts.count, by: max(1, size)).map {
            texts[$0..<min(texts.count, $0 + max(1, size))]
        }
    }

    private func list(_ answer: JSONValue, count: Int) throws -> [JSONValue] {
        guard let list = answer.arrayValue, list.count == count else {
            throw DistillClientError.unexpected("not an answer for each text")
        }
        return list
    }

    private func vector(_ answer: JSONValue) throws -> [Float] {
        let numbers = answer.arrayValue?.compactMap(\.doubleValue)
        guard let numbers, numbers.count == answer.arrayValue?.count else {
            throw DistillClientError.unexpected("\(answer.typeName) in place of a vector")
        }
        return numbers.map { Float($0) }
    }
}
