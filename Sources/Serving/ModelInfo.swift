import Architectures
import DistillRuntime
import JSON

extension PredictService {
    /// The answer to `/info`.
    public func info(_ model: ServedModel) -> JSONValue {
        [
            "model_id": .string(model.name), "model_sha": nil,
            "model_dtype": .string(
                model.predictor.model?.configuration.quantization == nil ? "float32" : "int8"),
            "model_type": .object(JSONObject([(model.kind.rawValue, model.kindInfo)])),
            "max_concurrent_requests": .integer(limits.maxConcurrentRequests),
            "max_input_length": .integer(model.maxLength ?? limits.maxBatchTokens),
            "max_batch_tokens": .integer(limits.maxBatchTokens),
            "max_client_batch_size": .integer(limits.maxClientBatchSize),
            "auto_truncate": .bool(limits.autoTruncate),
            "tokenization_workers": .integer(limits.tokenizationWorkers), "version": .string(Version.current),
        ]
    }

    /// The answer to `/models`: what `/info` says of each.
    public var allInfo: JSONValue { .array(models.current.models.map(info)) }
}

extension ServedModel {
    /// What `/info` says of a model's kind.
    fileprivate var kindInfo: JSONValue {
        if case .embedder(let embedder, _) = predictor {
            return ["pooling": .string(embedder.files.poolingName)]
        }
        let id2label = JSONObject(labels.enumerated().map { ("\($0)", .string($1)) })
        let label2id = JSONObject(labels.enumerated().map { ($1, .integer($0)) })
        return ["id2label": .object(id2label), "label2id": .object(label2id)]
    }
}

extension SentenceTransformer {
    /// How the vectors of tokens become one, by text-embeddings-inference's names where it has them; several joined by `+`.
    fileprivate var poolingName: String {
        for case .pooling(let modes, _, _) in stages {
            return modes.map { $0 == .lastToken ? "last_token" : $0.rawValue }.joined(separator: "+")
        }
        return "mean"
    }
}
