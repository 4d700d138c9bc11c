import Architectures
import DistillRuntime
import JSON

extension PredictService {
    /// The answer to `/info`.
    public func info(_ model: ServedModel) -> JSONValue {
        let labels = model.model.labels
        let id2label = JSONObject(labels.enumerated().map { ("\($0)", .string($1)) })
        let label2id = JSONObject(labels.enumerated().map { ($1, .integer($0)) })
        let table: JSONValue = ["id2label": .object(id2label), "label2id": .object(label2id)]
        let kind = model.model.isTagger ? "token_classifier" : "classifier"
        return [
            "model_id": .string(model.name), "model_sha": nil,
            "model_dtype": .string(model.model.configuration.quantization == nil ? "float32" : "int8"),
            "model_type": .object(JSONObject([(kind, table)])),
            "max_concurrent_requests": .integer(limits.maxConcurrentRequests),
            "max_input_length": .integer(model.model.maxLength),
            "max_batch_tokens": .integer(limits.maxBatchTokens),
            "max_client_batch_size": .integer(limits.maxClientBatchSize),
            "auto_truncate": .bool(limits.autoTruncate),
            "tokenization_workers": .integer(limits.tokenizationWorkers), "version": .string(Version.current),
        ]
    }

    /// The answer to `/models`: what `/info` says of each.
    public var allInfo: JSONValue { .array(models.current.models.map(info)) }
}
