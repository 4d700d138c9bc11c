/// What a model can be asked for over HTTP, by the paths of text-embeddings-inference.
public enum Endpoint: String, CaseIterable, Sendable {
    case predict, rerank, embed
    case embedAll = "embed_all"
    case embedSparse = "embed_sparse"
    case similarity
    /// OpenAI's form of `embed`.
    case embeddings = "v1/embeddings"
    case tokenize, decode

    /// The endpoint of a path behind the first slash, or behind a model's name.
    init?(path: some StringProtocol) {
        // text-embeddings-inference has this one under two paths.
        self.init(rawValue: path == "embeddings" ? "v1/embeddings" : String(path))
    }

    /// True if models of a kind have an answer.
    public func fits(_ kind: ModelKind) -> Bool {
        switch self {
        case .predict: kind != .embedding
        case .rerank: kind == .reranker
        case .embed, .embedAll, .similarity, .embeddings: kind == .embedding
        case .embedSparse: false
        case .tokenize, .decode: true
        }
    }

    /// True if errors have OpenAI's form.
    public var hasOpenAIErrors: Bool { self == .embeddings }

    /// True if the texts are made vectors, for the metrics.
    var embeds: Bool {
        switch self {
        case .embed, .embedAll, .embedSparse, .similarity, .embeddings: true
        case .predict, .rerank, .tokenize, .decode: false
        }
    }

    /// True if the texts are classified, for the metrics.
    var predicts: Bool { self == .predict || self == .rerank }

    /// Reads a body.
    ///
    /// - Throws: ``ServingError`` that names the key.
    func read(_ body: [UInt8]) throws(ServingError) -> any ModelRequest {
        switch self {
        case .predict: try PredictRequest(body)
        case .rerank: try RerankRequest(body)
        case .embed, .embedSparse: try EmbedRequest(body)
        case .embedAll: try EmbedAllRequest(body)
        case .similarity: try SimilarityRequest(body)
        case .embeddings: try OpenAIRequest(body)
        case .tokenize: try TokenizeRequest(body)
        case .decode: try DecodeRequest(body)
        }
    }
}

/// What a model is to requests, as the key of `model_type` in `/info`.
public enum ModelKind: String, Sendable {
    /// A sequence classifier of several labels.
    case classifier
    /// A sequence classifier of one label, whose score ranks texts: a cross-encoder.
    case reranker
    case tagger = "token_classifier"
    case embedding

    var noun: String {
        switch self {
        case .classifier: "a classifier"
        case .reranker: "a re-ranker"
        case .tagger: "a model of token classification"
        case .embedding: "an embedding model"
        }
    }
}

extension ServingError {
    /// The error of an endpoint that a model's kind has no answer for.
    static func unfit(_ endpoint: Endpoint, _ model: String, _ kind: ModelKind) -> ServingError {
        let wanted =
            switch endpoint {
            case .predict, .tokenize, .decode: "a classifier model"
            case .rerank: "a re-ranker model, which is a classifier of one label"
            case .embed, .embedAll, .similarity, .embeddings: "an embedding model"
            case .embedSparse: "an embedding model with SPLADE pooling"
            }
        let paths = Endpoint.allCases.filter { $0.fits(kind) }.map { "/" + $0.rawValue }
        return ServingError(
            unfit:
                "model is not \(wanted): '\(model)' is \(kind.noun); it answers \(paths.joined(separator: ", "))"
        )
    }
}
