import JSON

/// The `config.json` of a model: the fields that all families have, under BERT's names, whatever the file
/// calls them.
///
/// Every field that changes the mathematics is honored or refused by name; all others are kept and written
/// back. The defaults are those of transformers' class.
public struct ModelConfiguration: Sendable {
    /// The family, which selects the code of a model.
    public var modelType: String { family.modelType }
    /// The properties in which families differ.
    package let family: ModelFamily
    public var vocabSize: Int
    /// The width of the embedding tables where it is not the hidden size.
    var ownEmbeddingSize: Int?
    public var hiddenSize: Int
    public var numHiddenLayers: Int
    public var numAttentionHeads: Int
    /// A decoder's heads of keys and values, each of which serves several heads of queries; an encoder has as many as heads.
    public var numKeyValueHeads: Int
    /// The width of a head where it is not the hidden size divided among the heads: a decoder's `head_dim`.
    var ownHeadSize: Int?
    public var intermediateSize: Int
    public var hiddenAct: ActivationName
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
    package private(set) var headKind: HeadKind
    /// The modules by which a text's vector is made of its tokens', of a model for embeddings; `nil` for others.
    public var embedding: SentenceTransformer? {
        didSet {
            headKind = embedding == nil ? .sequenceClassification : .embedding
            if embedding != nil { (labelNames, statedProblemType, scoreActivation) = ([], nil, nil) }
        }
    }
    /// `problem_type` as it was read or set; `nil` where it was absent or null.
    private var statedProblemType: TaskIdentifier?
    /// The function that makes a score of a cross-encoder's logit; `nil` for other models.
    public var scoreActivation: ScoreActivation?
    /// The width of the layer before a static table's classifier: `classifier_hidden_size`; `nil` for none.
    public var classifierHiddenSize: Int?
    /// True if a static table is trained with a weight for each token, by which its row is multiplied when it is saved.
    public var hasTokenWeights = false
    /// The quantization of the saved weights; `nil` for floating point.
    public var quantization: QuantizationConfiguration?
    /// Warnings about ignored fields of the file, one line each, for the user.
    public let warnings: [String]
    /// The path from which it was read, for messages.
    public let source: String
    /// All fields as they were read.
    public internal(set) var original: JSONObject

    /// The number of outputs of a row: the classes, or the components of a text's vector.
    public var outputCount: Int { embedding.map { $0.width ?? hiddenSize } ?? labelNames.count }

    /// The width of the embedding tables: `embedding_size`, or the hidden size.
    public var embeddingSize: Int { ownEmbeddingSize ?? hiddenSize }

    /// The position table's row for a text's first token: RoBERTa's tables begin with the padding token's.
    package var positionOffset: Int {
        family.positionsFollowPadding ? (family.paddingRow ?? padTokenId) + 1 : 0
    }

    /// The largest number of tokens for which the model has positions.
    public var maxLength: Int { maxPositionEmbeddings - positionOffset }

    /// The name of the token embedding table.
    public var wordTableName: String { family.layout.embeddings.word + ".weight" }

    /// A reader of the original fields, for those that only the family knows.
    var reader: ConfigurationReader { ConfigurationReader(object: original, source: source) }

    /// The `problem_type`; where that is absent, transformers' rule decides: one label is regression, several are
    /// single-label classification. A model of one label with an activation that sentence-transformers wrote is a cross-encoder.
    public var problemType: TaskIdentifier {
        guard labelNames.count == 1 else { return statedProblemType ?? .singleLabel }
        let stated = statedProblemType ?? .regression
        return stated == .regression && scoreActivation != nil ? .ranking : stated
    }

    /// The task, which gives the outputs their meaning. For a sequence classification model it is
    /// ``problemType``.
    public var task: TaskIdentifier {
        get { headKind.task ?? problemType }
        set {
            headKind = HeadKind(newValue)
            statedProblemType = headKind.task == nil ? newValue : nil
            scoreActivation = newValue == .ranking ? scoreActivation ?? .identity : nil
        }
    }

    /// Reads a configuration that was parsed already.
    ///
    /// - Parameters:
    ///   - json: The content of `config.json`.
    ///   - source: The file's path, for messages.
    /// - Throws: ``ArchitectureError``, which names the field.
    public init(json: JSONObject, source: String) throws {
        let reader = ConfigurationReader(object: json, source: source)
        family = try ModelFamily.of(reader)
        let fields = family.fields
        let sizes = 1...Self.largestSize
        vocabSize = try reader.integer(fields.vocabSize, in: sizes)
        hiddenSize = try reader.integer(fields.hiddenSize, in: sizes)
        let hasLayers = family.hasLayers
        numHiddenLayers = hasLayers ? try reader.integer(fields.numHiddenLayers, in: 1...Self.mostLayers) : 0
        numAttentionHeads = hasLayers ? try reader.integer(fields.numAttentionHeads, in: sizes) : 1
        intermediateSize =
            hasLayers ? try Self.intermediateSize(reader, family, hidden: hiddenSize) : hiddenSize
        classifierHiddenSize = try Self.classifierHiddenSize(reader, family)
        (numKeyValueHeads, ownHeadSize) = try Self.heads(reader, family, heads: numAttentionHeads)
        maxPositionEmbeddings = try reader.integer(fields.maxPositionEmbeddings, in: sizes)
        typeVocabSize =
            try fields.typeVocabSize.map {
                try reader.integer($0, in: ($0.fallback == 0 ? 0 : 1)...Self.largestSize)
            } ?? 0
        padTokenId = try Self.paddingToken(reader, family)
        if let field = fields.embeddingSize {
            ownEmbeddingSize =
                reader.optional(field.key) == nil
                ? field.fallback : try reader.integer(field.key, default: 1, in: sizes)
        }
        hiddenDropoutProb = fields.hasHiddenDropout ? try reader.probability(fields.hiddenDropoutProb) : 0
        attentionProbsDropoutProb = try reader.probability(fields.attentionProbsDropoutProb)
        let dropout = fields.classifierDropout
        classifierDropout =
            reader.optional(dropout.key) == nil
            ? dropout.fallback : try reader.dropout(dropout.key, default: 0)
        let epsilon = fields.layerNormEps
        layerNormEps =
            fields.hasLayerNormEps
            ? try reader.number(epsilon.key, default: epsilon.fallback, "from 0 to 1") { $0 >= 0 && $0 <= 1 }
            : epsilon.fallback
        initializerRange = try reader.number(
            fields.initializerRange.key, default: fields.initializerRange.fallback, "above 0"
        ) { $0 > 0 }
        hiddenAct = try reader.activation(fields.hiddenAct.key, default: fields.hiddenAct.fallback)
        headKind = try Self.headKind(reader, family)
        let labels = headKind.hasLabels ? try LabelFields(reader) : nil
        (labelNames, warnings) = (labels?.names ?? [], labels?.warnings ?? [])
        statedProblemType = try Self.problemType(reader)
        scoreActivation = try Self.scoreActivation(reader, labels: labelNames.count)
        quantization = try QuantizationConfiguration(reader)
        self.source = source
        original = json
        try family.decoder == nil ? refuseUnsupported(reader) : refuseUnsupportedDecoder(reader)
        try family.check(self)
        try validate()
    }
}

extension ModelConfiguration: Equatable {
    /// Configurations are equal if they are saved alike, wherever they were read.
    public static func == (left: ModelConfiguration, right: ModelConfiguration) -> Bool {
        left.json() == right.json()
    }
}
