import Torch

/// BERT with a classification head on the pooled first token, as transformers' class of this name.
public final class BertForSequenceClassification: SequenceClassifier {
    public let configuration: BertConfiguration
    public let parameters = ParameterStore()
    public let device: Device
    /// Parameters that the source did not have.
    public let newlyInitialized: [String]

    private let embeddings: BertEmbeddings
    private let layers: [BertLayer]
    private let pooler: Linear
    private let dropout: Dropout
    private let classifier: Linear

    /// - Parameters:
    ///   - source: Where parameters come from; those it lacks are initialised from the seed as transformers
    ///     does: normal with the configuration's `initializer_range`, biases zero.
    public init(
        _ configuration: BertConfiguration, source: (any ParameterSource)?, seed: UInt64,
        device: Device = .cpu
    ) throws {
        try configuration.validate()
        let root = ParameterScope(store: parameters, source: source, seed: seed, device: device)
        let bert = root["bert"]
        let initializer = ParameterInitializer.normal(standardDeviation: configuration.initializerRange)
        embeddings = try BertEmbeddings(bert["embeddings"], configuration)
        layers = try (0..<configuration.numHiddenLayers).map {
            try BertLayer(bert["encoder"]["layer"][$0], configuration)
        }
        pooler = try Linear(
            bert["pooler"]["dense"], inputs: configuration.hiddenSize, outputs: configuration.hiddenSize,
            initializer: initializer)
        classifier = try Linear(
            root["classifier"], inputs: configuration.hiddenSize, outputs: configuration.labelNames.count,
            initializer: initializer)
        dropout = Dropout(configuration.classifierDropout ?? configuration.hiddenDropoutProb)
        newlyInitialized = root.initialisedNames
        self.configuration = configuration
        self.device = device
    }

    public func callAsFunction(
        _ input: ModelInput, dropout state: DropoutState?, selecting: OutputSelection
    ) throws -> ClassifierOutput {
        let mask = try additiveMask(input.attentionMask)
        var hidden = try embeddings(input, state)
        var states: [Tensor] = [hidden]
        var attentions: [Tensor] = []
        for layer in layers {
            hidden = try layer(
                hidden, mask: mask, state,
                probabilities: selecting.contains(.attentions) ? { attentions.append($0) } : nil)
            if selecting.contains(.hiddenStates) { states.append(hidden) }
        }
        let first = try hidden.selected(dimension: 1, index: 0)
        let pooled = try dropout(pooler(first).tanh(), state)
        return ClassifierOutput(
            logits: try classifier(pooled), hiddenStates: selecting.contains(.hiddenStates) ? states : [],
            attentions: attentions)
    }

    /// (B, L) of 1 and 0 → (B, 1, 1, L) of 0 and the lowest number.
    private func additiveMask(_ mask: Tensor) throws -> Tensor {
        let padding = try mask.equal(0).unsqueezed(1).unsqueezed(1)
        let zeros = try Tensor.zeros(padding.shape, device: mask.device)
        return try zeros.maskedFill(padding, -Double(Float.greatestFiniteMagnitude))
    }
}
