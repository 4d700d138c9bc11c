import Foundation
import JSON
import Torch

/// The `config.json` of a BERT classifier (Devlin et al., arXiv 1810.04805), with transformers' field names and
/// defaults.
///
/// Every field that changes the mathematics is honoured or refused by name; all others are kept and written
/// back.
public struct BertConfiguration: Sendable {
    /// The family, by which ``AutoModel`` finds the code.
    public let modelType: String
    public var vocabSize: Int
    public var hiddenSize: Int
    public var numHiddenLayers: Int
    public var numAttentionHeads: Int
    public var intermediateSize: Int
    public var hiddenAct: Activation
    public var hiddenDropoutProb: Double
    public var attentionProbsDropoutProb: Double
    /// Dropout before the classifier; `nil` for ``hiddenDropoutProb``.
    public var classifierDropout: Double?
    public var maxPositionEmbeddings: Int
    public var typeVocabSize: Int
    public var layerNormEps: Double
    /// The standard deviation of fresh weights.
    public var initializerRange: Double
    public var padTokenId: Int
    /// The classes' names by class index: `id2label`.
    public var labelNames: [String]
    /// `problem_type` as it was read or set; `nil` where it was absent or null.
    private var statedProblemType: ProblemType?
    /// How the saved weights are quantised; `nil` for floating point.
    public var quantization: QuantizationConfiguration?
    /// Where this was read, for messages.
    public let source: String
    /// All fields as they were read.
    let original: JSONObject

    /// What the outputs mean: `problem_type`. Where that is absent, transformers' rule decides: one label is
    /// regression, several are single-label classification.
    public var problemType: ProblemType {
        get { statedProblemType ?? (labelNames.count == 1 ? .regression : .singleLabel) }
        set { statedProblemType = newValue }
    }

    /// Reads `config.json` of a model directory.
    ///
    /// - Throws: ``TransformersError`` where there is no such file or a field cannot be honoured; `JSONError`
    ///   where it is not JSON.
    public init(contentsOf directory: URL) throws {
        let path = directory.plainPath
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw TransformersError(
                "\(path): no such directory; give a model directory in Hugging Face format")
        }
        guard isDirectory.boolValue else {
            throw TransformersError("\(path): is a file; give a model directory in Hugging Face format")
        }
        let file = directory.appending(path: "config.json")
        guard file.fileExists else {
            throw TransformersError(
                "\(path): has no config.json; give a model directory in Hugging Face format")
        }
        let value = try JSONValue.load(contentsOf: file)
        guard let object = value.objectValue else {
            throw TransformersError("\(file.plainPath): must be a JSON object, not \(value.typeName)")
        }
        try self.init(json: object, source: file.plainPath)
    }

    /// Reads a configuration that was parsed already.
    ///
    /// - Parameters:
    ///   - json: The content of `config.json`.
    ///   - source: The file's path, for messages.
    /// - Throws: ``TransformersError``, which names the field.
    public init(json: JSONObject, source: String) throws {
        let reader = ConfigurationReader(object: json, source: source)
        modelType = try ModelFamily.of(reader).modelType
        let sizes = 1...Self.largestSize
        vocabSize = try reader.integer("vocab_size", default: 30522, in: sizes)
        hiddenSize = try reader.integer("hidden_size", default: 768, in: sizes)
        numHiddenLayers = try reader.integer("num_hidden_layers", default: 12, in: 1...Self.mostLayers)
        numAttentionHeads = try reader.integer("num_attention_heads", default: 12, in: sizes)
        intermediateSize = try reader.integer("intermediate_size", default: 3072, in: sizes)
        maxPositionEmbeddings = try reader.integer("max_position_embeddings", default: 512, in: sizes)
        typeVocabSize = try reader.integer("type_vocab_size", default: 2, in: sizes)
        padTokenId = try reader.integer("pad_token_id", default: 0, in: 0...Self.largestSize)
        func dropout(_ key: String) throws -> Double {
            try reader.number(key, default: 0.1, "from 0 up to, but not including, 1") {
                (0..<1).contains($0)
            }
        }
        hiddenDropoutProb = try dropout("hidden_dropout_prob")
        attentionProbsDropoutProb = try dropout("attention_probs_dropout_prob")
        classifierDropout =
            reader.optional("classifier_dropout") == nil ? nil : try dropout("classifier_dropout")
        layerNormEps = try reader.number("layer_norm_eps", default: 1e-12, "from 0 to 1") {
            $0 >= 0 && $0 <= 1
        }
        initializerRange = try reader.number("initializer_range", default: 0.02, "above 0") { $0 > 0 }
        hiddenAct = try Self.activation(reader)
        labelNames = try LabelFields.names(reader)
        statedProblemType = try Self.problemType(reader)
        quantization = try QuantizationConfiguration(reader)
        self.source = source
        original = json
        try Self.refuseUnsupported(reader, hiddenSize: hiddenSize)
        try validate()
    }

    /// The configuration as it is saved: what was read, with this value's fields in place of the old.
    public func json() -> JSONObject {
        var json = original
        json["architectures"] = ["BertForSequenceClassification"]
        json["model_type"] = .string(modelType)
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
        json["problem_type"] = .string(problemType.rawValue)
        json["id2label"] = .object(JSONObject(labelNames.enumerated().map { (String($0), .string($1)) }))
        json["label2id"] = .object(JSONObject(labelNames.enumerated().map { ($1, .integer($0)) }))
        json["dtype"] = "float32"
        json["quantization_config"] = quantization?.json()
        // Said by `id2label` and by `dtype`.
        json["num_labels"] = nil
        json["torch_dtype"] = nil
        // The place this was read from, not the model it is now.
        json["_name_or_path"] = nil
        // The hidden size may have changed.
        if json["embedding_size"] != nil { json["embedding_size"] = .integer(hiddenSize) }
        return json
    }
}

extension BertConfiguration: Equatable {
    /// Equal are configurations that are saved alike, wherever they were read.
    public static func == (left: BertConfiguration, right: BertConfiguration) -> Bool {
        left.json() == right.json()
    }
}
