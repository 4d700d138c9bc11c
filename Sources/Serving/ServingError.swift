import JSON

/// The reason why a request has no answer, as text-embeddings-inference names it.
public struct ServingError: Error, Sendable, Equatable {
    /// The kind of error: `error_type`.
    public enum Kind: String, CaseIterable, Sendable {
        case unhealthy = "Unhealthy"
        case backend = "Backend"
        case overloaded = "Overloaded"
        case tokenizer = "Tokenizer"
        case validation = "Validation"
        case empty = "Empty"

        /// The HTTP status of errors of this kind.
        public var status: Int {
            switch self {
            case .unhealthy: 503
            case .backend: 424
            case .overloaded: 429
            case .tokenizer, .validation: 422
            case .empty: 400
            }
        }
    }

    public let kind: Kind
    /// What is wrong and what to do, in one line.
    public let message: String
    /// The HTTP status.
    public let status: Int
    /// What more the metrics tell of the error than its kind.
    enum Detail: Sendable {
        case none
        /// The kind of the model has no answer to what was asked.
        case unfit
        /// The request has more texts than one may have.
        case batchSize
    }

    let detail: Detail

    /// True where the kind of the model has no answer to what was asked.
    public var isUnfit: Bool { detail == .unfit }

    /// - Parameters:
    ///   - kind: The kind.
    ///   - message: What is wrong and what to do.
    ///   - status: The HTTP status; by default that of the kind.
    public init(_ kind: Kind, _ message: String, status: Int? = nil) {
        (self.kind, self.message, self.status) = (kind, message, status ?? kind.status)
        detail = .none
    }

    /// The error of a question that the model's kind has no answer to.
    init(unfit message: String) {
        (kind, self.message, status, detail) = (.backend, message, Kind.backend.status, .unfit)
    }

    /// The error of a request with more texts than one may have.
    init(batchSize count: Int, most: Int) {
        (kind, status, detail) = (.validation, Kind.validation.status, .batchSize)
        message = "batch size \(count) > maximum allowed batch size \(most)"
    }

    /// `{"message": …, "code": …, "type": …}`, of the endpoint in OpenAI's form.
    public var openAIJSON: JSONValue {
        ["message": .string(message), "code": .integer(status), "type": .string(kind.rawValue)]
    }

    /// `{"error": …, "error_type": …}`.
    public var json: JSONValue {
        ["error": .string(message), "error_type": .string(kind.rawValue)]
    }
}
