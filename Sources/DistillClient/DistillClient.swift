import AsyncHTTPClient
import JSON
import NIOCore
import NIOHTTP1

/// A client of `distill serve`, and of text-embeddings-inference.
///
/// ```swift
/// let client = DistillClient("http://localhost:3000")
/// for score in try await client.predict("A film to remember.") { print(score.label, score.score) }
/// ```
///
/// A server that is overloaded (429) or not ready (503) is asked again after the time that it names.
public struct DistillClient: Sendable {
    /// How the server is asked.
    public struct Configuration: Sendable {
        /// The server's API key.
        public var apiKey: String?
        /// For each attempt.
        public var timeout: Duration = .seconds(60)
        /// How often a request is repeated that the server had no room for.
        public var retries = 5
        /// The texts of a request; more are sent in several.
        public var batchSize = 32

        public init() {}
    }

    private let base: String
    let configuration: Configuration
    private let http: HTTPClient

    /// - Parameters:
    ///   - url: The server's, as in `http://localhost:3000`.
    ///   - configuration: How it is asked.
    ///   - http: The HTTP client.
    public init(
        _ url: String, _ configuration: Configuration = Configuration(), http: HTTPClient = .shared
    ) {
        base = url.hasSuffix("/") ? String(url.dropLast()) : url
        (self.configuration, self.http) = (configuration, http)
    }

    /// A label with its score.
    public struct Score: Sendable, Equatable {
        public let label: String
        public let score: Double
    }

    /// An entity that a tagger found.
    public struct Entity: Sendable, Equatable {
        /// The label without its prefix.
        public let group: String
        public let score: Double
        public let word: String
        /// Its place in the text, in Unicode scalars.
        public let range: Range<Int>
    }

    /// How texts are read.
    public struct Options: Sendable {
        /// The model's name; `nil` for the server's first one.
        public var model: String?
        /// True to cut texts that are too long; `nil` for the server's default.
        public var truncate: Bool?
        /// True for logits.
        public var rawScores = false

        public init(model: String? = nil, truncate: Bool? = nil, rawScores: Bool = false) {
            (self.model, self.truncate, self.rawScores) = (model, truncate, rawScores)
        }
    }

    /// The labels of a text or a pair of texts, those with the greatest scores first.
    ///
    /// - Throws: ``DistillClientError``, or an error of the network.
    public func predict(_ text: String, pair: String? = nil, _ options: Options = Options()) async throws
        -> [Score]
    {
        try await answers([[text] + (pair.map { [$0] } ?? [])], options).flatMap { try scores($0) }
    }

    /// The labels of each text, in order.
    ///
    /// - Throws: ``DistillClientError``, or an error of the network.
    public func predict(_ texts: [String], _ options: Options = Options()) async throws -> [[Score]] {
        try await answers(texts.map { [$0] }, options).map { try scores($0) }
    }

    /// The entities of each text, in order, as a server of a tagger finds them.
    ///
    /// - Throws: ``DistillClientError``, or an error of the network.
    public func entities(_ texts: [String], _ options: Options = Options()) async throws -> [[Entity]] {
        try await answers(texts.map { [$0] }, options).map { answer in
            try elements(answer).map { element in
                guard let group = (element["entity_group"] ?? element["entity"])?.stringValue,
                    let score = element["score"]?.doubleValue, let word = element["word"]?.stringValue,
                    let start = element["start"]?.intValue, let end = element["end"]?.intValue, start <= end
                else {
                    throw DistillClientError.unexpected("an entity lacks a key, or the model is no tagger")
                }
                return Entity(group: group, score: score, word: word, range: start..<end)
            }
        }
    }

    /// True if the server is ready.
    ///
    /// - Throws: An error of the network.
    public func isReady() async throws -> Bool {
        try await http.execute(HTTPClientRequest(url: base + "/ready"), timeout: timeout).status == .ok
    }

    // MARK: - Requests

    private var timeout: TimeAmount { TimeAmount(configuration.timeout) }

    private func answers(_ inputs: [[String]], _ options: Options) async throws -> [JSONValue] {
        var answers: [JSONValue] = []
        for start in stride(from: 0, to: inputs.count, by: max(1, configuration.batchSize)) {
            let part = inputs[start..<min(inputs.count, start + max(1, configuration.batchSize))]
            var body: JSONObject = ["inputs": .array(part.map { .array($0.map(JSONValue.string)) })]
            if let truncate = options.truncate { body["truncate"] = .bool(truncate) }
            if options.rawScores { body["raw_scores"] = true }
            let path = options.model.map { "/models/\($0)/predict" } ?? "/predict"
            let answer = try await post(path, .object(body))
            guard let list = answer.arrayValue, list.count == part.count else {
                throw DistillClientError.unexpected("not an answer for each text")
            }
            answers += list
        }
        return answers
    }

    func post(_ path: String, _ body: JSONValue) async throws -> JSONValue {
        var request = HTTPClientRequest(url: base + path)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        if let key = configuration.apiKey {
            request.headers.add(name: "authorization", value: "Bearer \(key)")
        }
        request.body = .bytes(ByteBuffer(string: body.serialized()))
        for attempt in 0... {
            let response = try await http.execute(request, timeout: timeout)
            let bytes = try await response.body.collect(upTo: 256 << 20)
            let isBusy = response.status == .tooManyRequests || response.status == .serviceUnavailable
            if isBusy, attempt < configuration.retries {
                let seconds = response.headers.first(name: "retry-after").flatMap { Double($0) } ?? 1
                // Those that were refused together do not come back together.
                try await Task.sleep(for: .seconds(min(60, max(0, seconds)) * Double.random(in: 0.5...1.5)))
                continue
            }
            guard response.status == .ok else { throw Self.error(response.status, bytes) }
            do {
                return try JSONValue.parse(bytes.readableBytesView)
            } catch {
                throw DistillClientError.unexpected("no JSON: \(error)")
            }
        }
        throw DistillClientError.unexpected("no answer")
    }

    private static func error(_ status: HTTPResponseStatus, _ bytes: ByteBuffer) -> DistillClientError {
        let object = (try? JSONValue.parse(bytes.readableBytesView))?.objectValue
        return .server(
            status: Int(status.code), type: (object?["error_type"] ?? object?["type"])?.stringValue ?? "",
            message: (object?["error"] ?? object?["message"])?.stringValue ?? status.reasonPhrase)
    }

    // MARK: - Answers

    func elements(_ answer: JSONValue) throws -> [JSONObject] {
        guard let list = answer.arrayValue else {
            throw DistillClientError.unexpected("\(answer.typeName) in place of an array")
        }
        return try list.map {
            guard let object = $0.objectValue else {
                throw DistillClientError.unexpected("\($0.typeName) in place of an object")
            }
            return object
        }
    }

    private func scores(_ answer: JSONValue) throws -> [Score] {
        try elements(answer).map { element in
            guard let label = element["label"]?.stringValue, let score = element["score"]?.doubleValue else {
                throw DistillClientError.unexpected("a score lacks its label, or the model is a tagger")
            }
            return Score(label: label, score: score)
        }
    }
}

/// The reason why a server gave no predictions.
public enum DistillClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The server's error: its HTTP status, its `error_type`, and what it says.
    case server(status: Int, type: String, message: String)
    /// An answer that is none of this API.
    case unexpected(String)

    public var description: String {
        switch self {
        case .server(let status, let type, let message): "the server answers \(status) \(type): \(message)"
        case .unexpected(let what): "the server gives an answer that is not understood: \(what)"
        }
    }
}
