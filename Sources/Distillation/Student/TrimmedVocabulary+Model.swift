import Architectures
import JSON
import Tokenizers
import Torch
import Transformers

extension TrimmedVocabulary {
    /// The ids that a model's configuration refers to, which `VocabularyTrimmer.plan` must keep.
    ///
    /// - Parameter configuration: The model's.
    /// - Returns: The values of `pad_token_id` and of every other key that ends so.
    public static func ids(in configuration: ModelConfiguration) -> Set<Int> {
        ids(in: configuration.json())
    }

    /// The ids of tokens in the object of a `config.json` or `generation_config.json`.
    static func ids(in object: JSONObject) -> Set<Int> {
        Set(
            object.filter { $0.key.hasSuffix("_token_id") }.flatMap { _, value in
                (value.arrayValue ?? [value]).compactMap(\.intValue)
            })
    }

    /// A model's configuration with this vocabulary: `vocab_size`, `pad_token_id` and any other token's id.
    ///
    /// - Parameter configuration: The model's before.
    /// - Throws: `DistillationError` where the vocabulary is another model's, or lacks a token that is referred to.
    public func configuration(_ configuration: ModelConfiguration) throws -> ModelConfiguration {
        guard (keptIDs.last ?? 0) < configuration.vocabSize else {
            throw DistillationError(
                "\(configuration.source): vocab_size is \(configuration.vocabSize), but the vocabulary keeps token "
                    + "\(keptIDs.last ?? 0); use the tokenizer that belongs to this model")
        }
        var json = try renumbered(configuration.json(), of: configuration.source)
        json["vocab_size"] = .integer(count)
        return try ModelConfiguration(json: json, source: configuration.source)
    }

    /// The object of a `config.json` or `generation_config.json` with the new ids of its tokens.
    ///
    /// - Parameter source: The file's name for messages.
    /// - Throws: `DistillationError` where it names a token that is dropped, or lists of tokens that are not renumbered.
    func renumbered(_ object: JSONObject, of source: String) throws -> JSONObject {
        var object = object
        for key in Self.lists where object[key].map({ !$0.isNull && $0.arrayValue != [] }) ?? false {
            throw DistillationError(
                "\(source): \(key) lists ids of tokens, which a smaller vocabulary numbers anew; take it out of the file"
            )
        }
        for (key, value) in object where key.hasSuffix("_token_id") {
            func new(_ value: JSONValue) throws -> JSONValue {
                guard let old = value.intValue else { return value }
                guard let new = newID(of: old) else {
                    throw DistillationError(
                        "\(source): \(key) is \(old), which the smaller vocabulary does not have: neither the texts nor the tokenizer's special "
                            + "tokens use it; correct the id, or take the key out of the file")
                }
                return .integer(new)
            }
            object[key] = try value.arrayValue.map { .array(try $0.map(new)) } ?? new(value)
        }
        return object
    }

    /// The keys of `generation_config.json` that hold ids otherwise.
    private static let lists = [
        "suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "force_words_ids", "forced_decoder_ids",
        "sequence_bias",
    ]

    /// A model with this vocabulary: the rows of its token embeddings that stay, everything else copied unchanged.
    ///
    /// Its logits for a text whose tokens are all kept are those of the original, bit for bit: the same rows are added
    /// up in the same order.
    ///
    /// - Parameter model: The model before, on any device; it does not change.
    /// - Throws: `DistillationError` where the vocabulary is another model's; `TorchError` where memory is short.
    public func apply(to model: TransformerModel) throws -> TransformerModel {
        let configuration = try configuration(model.configuration)
        let source = VocabularyRows(
            CopiedParameters(parameters: model.parameters), of: model.configuration, keptIDs: keptIDs)
        return try AutoModel.make(configuration, source: source, seed: 0, device: model.device)
    }
}

/// A model's own parameters, copied.
private struct CopiedParameters: ParameterSource {
    let parameters: ParameterStore

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        guard let tensor = parameters[name] else {
            throw DistillationError("the model has no parameter '\(name)'")
        }
        return try tensor.detached().clone().to(.float32, device)
    }
}
