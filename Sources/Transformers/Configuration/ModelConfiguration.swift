import Foundation
import JSON
import Torch

/// The `config.json` of a model: what all families have, under BERT's names, whatever the file calls it.
///
/// Every field that changes the mathematics is honoured or refused by name; all others are kept and written
/// back. The defaults are those of transformers' class.
public struct ModelConfiguration: Sendable {
    /// The family, by which ``AutoModel`` finds the code.
    public var modelType: String { family.modelType }
    /// What differs from one family to another.
    let family: ModelFamily
    public var vocabSize: Int
    /// The width of the tables of embeddings where it is not the hidden size.
    private var ownEmbeddingSize: Int?
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
    /// The head's kind; a bare encoder gets one for sequence classification.
    private(set) var headKind: HeadKind
    /// `problem_type` as it was read or set; `nil` where it was absent or null.
    private var statedProblemType: TaskIdentifier?
    /// How the saved weights are quantised; `nil` for floating point.
    public var quantization: QuantizationConfiguration?
    /// What the file says and does not count; each a line for the user.
    public let warnings: [String]
    /// Where this was read, for messages.
    public let source: String
    /// All fields as they were read.
    let original: JSONObject

    /// The width of the tables of embeddings: `embedding_size`, or the hidden size.
    public var embeddingSize: Int { ownEmbeddingSize ?? hiddenSize }

    /// The position table's row for a text's first token: RoBERTa's tables begin with the padding's.
    var positionOffset: Int { family.positionsFollowPadding ? (family.paddingRow ?? padTokenId) + 1 : 0 }

    /// The tokens of the longest text that the model has positions for.
    public var maxLength: Int { maxPositionEmbeddings - positionOffset }

    /// The name of the table with a row for each token.
    public var wordTableName: String { family.layout.wordTable }

    /// How fresh weights start.
    var initializer: ParameterInitializer { .normal(standardDeviation: initializerRange) }

    /// The fields as they were read, for what only the family knows.
    var reader: ConfigurationReader { ConfigurationReader(object: original, source: source) }

    /// What the outputs mean. Of a model for sequence classification `problem_type` says it; where that is absent,
    /// transformers' rule decides: one label is regression, several are single-label classification.
    public var task: TaskIdentifier {
        get {
            if headKind == .tokenClassification { return .tokenClassification }
            return statedProblemType ?? (labelNames.count == 1 ? .regression : .singleLabel)
        }
        set {
            headKind = HeadKind(newValue)
            statedProblemType = newValue == .tokenClassification ? nil : newValue
        }
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
        let value = try JSONValue.load(contentsOf: file, dialect: .python)
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
        family = try ModelFamily.of(reader)
        let fields = family.fields
        let sizes = 1...Self.largestSize
        func integer(_ field: ConfigurationFields.Field<Int>, in range: ClosedRange<Int>) throws -> Int {
            try reader.integer(field.key, default: field.fallback, in: range)
        }
        vocabSize = try integer(fields.vocabSize, in: sizes)
        hiddenSize = try integer(fields.hiddenSize, in: sizes)
        numHiddenLayers = try integer(fields.numHiddenLayers, in: 1...Self.mostLayers)
        numAttentionHeads = try integer(fields.numAttentionHeads, in: sizes)
        intermediateSize = try integer(fields.intermediateSize, in: sizes)
        maxPositionEmbeddings = try integer(fields.maxPositionEmbeddings, in: sizes)
        typeVocabSize =
            try fields.typeVocabSize.map {
                try integer($0, in: ($0.fallback == 0 ? 0 : 1)...Self.largestSize)
            } ?? 0
        // Where positions begin after its number it is needed; elsewhere a model may have none.
        let hasNoPadding =
            json[fields.padTokenId.key]?.isNull == true
            && (!family.positionsFollowPadding || family.paddingRow != nil)
        padTokenId =
            hasNoPadding ? family.paddingRow ?? 0 : try integer(fields.padTokenId, in: 0...Self.largestSize)
        if let field = fields.embeddingSize {
            ownEmbeddingSize =
                reader.optional(field.key) == nil
                ? field.fallback : try reader.integer(field.key, default: 1, in: sizes)
        }
        func dropout(_ key: String, _ fallback: Double) throws -> Double {
            try reader.number(key, default: fallback, "from 0 up to, but not including, 1") {
                (0..<1).contains($0)
            }
        }
        hiddenDropoutProb = try dropout(fields.hiddenDropoutProb.key, fields.hiddenDropoutProb.fallback)
        attentionProbsDropoutProb = try dropout(
            fields.attentionProbsDropoutProb.key, fields.attentionProbsDropoutProb.fallback)
        classifierDropout =
            reader.optional(fields.classifierDropout.key) == nil
            ? fields.classifierDropout.fallback : try dropout(fields.classifierDropout.key, 0)
        let epsilon = fields.layerNormEps
        layerNormEps =
            fields.hasLayerNormEps
            ? try reader.number(epsilon.key, default: epsilon.fallback, "from 0 to 1") { $0 >= 0 && $0 <= 1 }
            : epsilon.fallback
        initializerRange = try reader.number(
            fields.initializerRange.key, default: fields.initializerRange.fallback, "above 0"
        ) { $0 > 0 }
        hiddenAct = try reader.activation(fields.hiddenAct.key, default: fields.hiddenAct.fallback)
        let labels = try LabelFields(reader)
        (labelNames, warnings) = (labels.names, labels.warnings)
        headKind =
            reader.optional("architectures")?.arrayValue?.first?.stringValue.flatMap(
                HeadKind.init(architecture:)) ?? .sequenceClassification
        statedProblemType = try Self.problemType(reader)
        quantization = try QuantizationConfiguration(reader)
        self.source = source
        original = json
        try refuseUnsupported(reader)
        try family.check(self)
        try validate()
    }

    /// The configuration as it is saved: what was read, with this value's fields in place of the old.
    public func json() -> JSONObject {
        var json = original
        let fields = family.fields
        json["architectures"] = [.string(family.classPrefix + headKind.classSuffix)]
        json["model_type"] = .string(modelType)
        json[fields.vocabSize.key] = .integer(vocabSize)
        json[fields.hiddenSize.key] = .integer(hiddenSize)
        json[fields.numHiddenLayers.key] = .integer(numHiddenLayers)
        json[fields.numAttentionHeads.key] = .integer(numAttentionHeads)
        json[fields.intermediateSize.key] = .integer(intermediateSize)
        json[fields.hiddenAct.key] = .string(hiddenAct.rawValue)
        json[fields.hiddenDropoutProb.key] = .number(hiddenDropoutProb)
        json[fields.attentionProbsDropoutProb.key] = .number(attentionProbsDropoutProb)
        json[fields.classifierDropout.key] = classifierDropout.map(JSONValue.number) ?? .null
        json[fields.maxPositionEmbeddings.key] = .integer(maxPositionEmbeddings)
        if let field = fields.typeVocabSize { json[field.key] = .integer(typeVocabSize) }
        if fields.hasLayerNormEps { json[fields.layerNormEps.key] = .number(layerNormEps) }
        json[fields.initializerRange.key] = .number(initializerRange)
        json[fields.padTokenId.key] = .integer(padTokenId)
        if headKind == .sequenceClassification { json["problem_type"] = .string(task.rawValue) }
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
        if json["embedding_size"] != nil || ownEmbeddingSize != nil {
            json["embedding_size"] = .integer(embeddingSize)
        }
        family.adjust(&json, self)
        return json
    }
}

extension ModelConfiguration: Equatable {
    /// Equal are configurations that are saved alike, wherever they were read.
    public static func == (left: ModelConfiguration, right: ModelConfiguration) -> Bool {
        left.json() == right.json()
    }
}
