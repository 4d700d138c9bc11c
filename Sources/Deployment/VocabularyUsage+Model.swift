import Distillation
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
        Set(configuration.json().filter { $0.key.hasSuffix("_token_id") }.compactMap(\.value.intValue))
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
        var json = configuration.json()
        for (key, value) in json where key.hasSuffix("_token_id") {
            guard let old = value.intValue else { continue }
            guard let new = newID(of: old) else {
                throw DistillationError(
                    "\(configuration.source): \(key) is \(old), a token that is dropped; keep it when planning"
                )
            }
            json[key] = .integer(new)
        }
        json["vocab_size"] = .integer(count)
        return try ModelConfiguration(json: json, source: configuration.source)
    }

    /// A model with this vocabulary: the rows of its token embeddings that stay, everything else copied unchanged.
    ///
    /// Its logits for a text whose tokens are all kept are those of the original, bit for bit: the same rows are added
    /// up in the same order.
    ///
    /// - Parameter model: The model before, on any device; it does not change.
    /// - Throws: `DistillationError` where the vocabulary is another model's; `TorchError` where memory is short.
    public func apply(to model: TransformerModel) throws -> TransformerModel {
        let configuration = try configuration(model.configuration)
        let rows = try Tensor(keptIDs.map(Int64.init), device: model.device)
        let source = TrimmedSource(
            parameters: model.parameters, wordTable: configuration.wordTableName, rows: rows)
        return try AutoModel.make(configuration, source: source, seed: 0, device: model.device)
    }
}

/// A model's own parameters, and some rows of the token embeddings.
private struct TrimmedSource: ParameterSource {
    let parameters: ParameterStore
    /// The name of the table with a row for each token.
    let wordTable: String
    /// The rows that stay: (rows) int64.
    let rows: Tensor

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        guard let tensor = parameters[name] else {
            throw DistillationError("the model has no parameter '\(name)'")
        }
        let table = try tensor.detached()
        let copy =
            try name == wordTable ? table.indexSelect(dimension: 0, rows) : table.clone()
        return try copy.to(.float32, device)
    }
}
