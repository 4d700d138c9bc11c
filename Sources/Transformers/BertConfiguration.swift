import Files
import Foundation
import JSON
import Torch

/// The `config.json` of a BERT classifier (Devlin et al., arXiv 1810.04805), with transformers' field names and
/// defaults.
///
/// Every field that changes the mathematics is honoured or refused by name; all others are kept and written back.
public struct BertConfiguration: Sendable, Equatable {
    public var vocabSize: Int
    public var hiddenSize: Int
    public var numHiddenLayers: Int
    public var numAttentionHeads: Int
    public var intermediateSize: Int
    public var hiddenAct: Activation
    public var hiddenDropoutProb: Double
    public var attentionProbsDropoutProb: Double
    /// Before the classifier; `nil` for ``hiddenDropoutProb``.
    public var classifierDropout: Double?
    public var maxPositionEmbeddings: Int
    public var typeVocabSize: Int
    public var layerNormEps: Double
    public var initializerRange: Double
    public var padTokenId: Int
    /// The classes' names, by class index: `id2label`.
    public var labelNames: [String]
    /// Where this was read, for messages.
    public let source: String
    /// All fields as they were read.
    private var original: JSONObject

    /// - Throws: ``TransformersError`` where there is no such file, or for a field as above.
    public init(contentsOf directory: URL) throws {
        let file = directory.appending(path: "config.json")
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: directory.path, isDirectory: &isDirectory) else {
            throw TransformersError(
                "\(directory.path): no such directory; give a model directory in Hugging Face format")
        }
        guard isDirectory.boolValue else {
            throw TransformersError(
                "\(directory.path) is a file; give a model directory in Hugging Face format")
        }
        guard FileManager.default.fileExists(atPath: file.path) else {
            throw TransformersError(
                "\(directory.path) has no config.json; give a model directory in Hugging Face format")
        }
        let value = try JSONValue.load(contentsOf: file)
        guard let object = value.objectValue else {
            throw TransformersError("\(file.path) holds \(value.typeName) where a JSON object must be")
        }
        try self.init(json: object, source: file.path)
    }

    /// - Parameter source: The file's path, for messages.
    public init(json: JSONObject, source: String) throws {
        let reader = ConfigurationReader(object: json, source: source)
        try Self.checkFamily(reader)
        vocabSize = try reader.integer("vocab_size", default: 30522)
        hiddenSize = try reader.integer("hidden_size", default: 768)
        numHiddenLayers = try reader.integer("num_hidden_layers", default: 12)
        numAttentionHeads = try reader.integer("num_attention_heads", default: 12)
        intermediateSize = try reader.integer("intermediate_size", default: 3072)
        hiddenDropoutProb = try reader.number("hidden_dropout_prob", default: 0.1, in: 0...0.999)
        attentionProbsDropoutProb = try reader.number(
            "attention_probs_dropout_prob", default: 0.1, in: 0...0.999)
        classifierDropout =
            try reader.optional("classifier_dropout") == nil
            ? nil : reader.number("classifier_dropout", default: 0, in: 0...0.999)
        maxPositionEmbeddings = try reader.integer("max_position_embeddings", default: 512)
        typeVocabSize = try reader.integer("type_vocab_size", default: 2)
        layerNormEps = try reader.number("layer_norm_eps", default: 1e-12, in: 0...1)
        initializerRange = try reader.number("initializer_range", default: 0.02, in: 0...10)
        padTokenId = try reader.integer("pad_token_id", default: 0, atLeast: 0)
        hiddenAct = try Self.activation(reader)
        labelNames = try LabelFields.names(reader)
        self.source = source
        original = json
        try Self.refuseUnsupported(reader, hiddenSize: hiddenSize)
        try validate()
    }

    /// - Throws: ``TransformersError`` where sizes do not fit together.
    public func validate() throws {
        for (name, value) in [
            ("hidden_size", hiddenSize), ("num_hidden_layers", numHiddenLayers),
            ("num_attention_heads", numAttentionHeads), ("intermediate_size", intermediateSize),
        ] where value < 1 {
            throw TransformersError("\(source): \"\(name)\" must be at least 1, got \(value)")
        }
        guard hiddenSize.isMultiple(of: numAttentionHeads) else {
            throw TransformersError(
                "\(source): hidden_size \(hiddenSize) is not divisible by num_attention_heads \(numAttentionHeads); "
                    + "choose sizes that divide")
        }
        guard padTokenId < vocabSize else {
            throw TransformersError(
                "\(source): pad_token_id \(padTokenId) lies outside the vocab_size of \(vocabSize)")
        }
    }

    /// The configuration as it is saved: what was read, with this value's fields in place of the old.
    public func json() -> JSONObject {
        var json = original
        json["architectures"] = ["BertForSequenceClassification"]
        json["model_type"] = "bert"
        json["vocab_size"] = .integer(vocabSize)
        json["hidden_size"] = .integer(hiddenSize)
        json["num_hidden_layers"] = .integer(numHiddenLayers)
        json["num_attention_heads"] = .integer(numAttentionHeads)
        json["intermediate_size"] = .integer(intermediateSize)
        json["hidden_act"] = .string(hiddenAct.rawValue)
        json["hidden_dropout_prob"] = .number(hiddenDropoutProb)
        json["attention_probs_dropout_prob"] = .number(attentionProbsDropoutProb)
        json["classifier_dropout"] = classifierDropout.map(JSONValue.number) ?? .null
        json["max_position_embeddings"] = .integer(maxPositionEmbeddings)
        json["type_vocab_size"] = .integer(typeVocabSize)
        json["layer_norm_eps"] = .number(layerNormEps)
        json["initializer_range"] = .number(initializerRange)
        json["pad_token_id"] = .integer(padTokenId)
        json["problem_type"] = "single_label_classification"
        json["id2label"] = .object(JSONObject(labelNames.enumerated().map { (String($0), .string($1)) }))
        json["label2id"] = .object(JSONObject(labelNames.enumerated().map { ($1, .integer($0)) }))
        json["num_labels"] = nil
        json["torch_dtype"] = nil
        json["dtype"] = "float32"
        // It would name the place this was read from, not the model it is now.
        json["_name_or_path"] = nil
        return json
    }
}

extension BertConfiguration {
    /// Model types that can be loaded.
    static let knownModelTypes = ["bert"]

    private static func checkFamily(_ reader: ConfigurationReader) throws {
        let known = "known: \(knownModelTypes.joined(separator: ", "))"
        if let type = reader.optional("model_type") {
            guard let name = type.stringValue, knownModelTypes.contains(name) else {
                throw TransformersError(
                    "\(reader.source): the architecture \(type.serialized()) is not supported; \(known)")
            }
            return
        }
        guard let architecture = reader.optional("architectures")?.arrayValue?.first?.stringValue else {
            throw TransformersError(
                "\(reader.source): neither \"model_type\" nor \"architectures\" is given; \(known)")
        }
        guard architecture.hasPrefix("Bert") else {
            throw TransformersError(
                "\(reader.source): the architecture \(architecture) is not supported; \(known)")
        }
    }

    private static func activation(_ reader: ConfigurationReader) throws -> Activation {
        guard let value = reader.optional("hidden_act") else { return .gelu }
        guard let name = value.stringValue, let activation = Activation(rawValue: name) else {
            let known = Activation.allCases.map(\.rawValue).joined(separator: ", ")
            throw reader.error("hidden_act", "must be one of \(known)", value)
        }
        return activation
    }

    private static func refuseUnsupported(_ reader: ConfigurationReader, hiddenSize: Int) throws {
        let isFalse: (JSONValue) -> Bool = { $0.boolValue == false }
        try reader.refuse(
            "position_embedding_type", unless: { $0.stringValue == "absolute" }, "only absolute positions are"
        )
        try reader.refuse("is_decoder", unless: isFalse, "a classifier is an encoder")
        try reader.refuse("is_encoder_decoder", unless: isFalse, "a classifier is an encoder")
        try reader.refuse("add_cross_attention", unless: isFalse, "a classifier has none")
        try reader.refuse("cross_attention_hidden_size", unless: { _ in false }, "a classifier has none")
        try reader.refuse(
            "pruned_heads", unless: { $0.objectValue?.isEmpty == true || $0.arrayValue?.isEmpty == true },
            "heads pruned by configuration are not")
        try reader.refuse("quantization_config", unless: { _ in false }, "weights must be floating point")
        try reader.refuse(
            "problem_type", unless: { $0.stringValue == "single_label_classification" },
            "only single_label_classification is")
        try reader.refuse(
            "embedding_size", unless: { $0.intValue == hiddenSize }, "embeddings must have the hidden size")
        for key in ["rope_theta", "rope_scaling", "rotary_dim", "num_key_value_heads", "num_experts"] {
            try reader.refuse(key, unless: { _ in false }, "BERT has no such part")
        }
    }
}
