import Torch

/// BERT with a classification head on the pooled first token, as transformers' class of this name.
public final class BertForSequenceClassification: SequenceClassifier {
    public let configuration: BertConfiguration
    public let parameters = ParameterStore()
    public let device: Device
    public var precision = Precision.float32

    private let embeddings: BertEmbeddings
    private let layers: [BertLayer]
    /// The layers' packed form; empty where the kernels cannot compute one of them.
    private let packedLayers: [PackedEncoderLayer]
    /// The layers of a quantised model for packed input; empty where the kernels cannot compute one of them.
    private let mixedLayers: [PackedMixedLayer]
    private let pooler: Linear
    private let dropout: Dropout
    private let classifier: Linear

    /// Makes the model on a device.
    ///
    /// - Parameters:
    ///   - configuration: What `config.json` says.
    ///   - source: Where parameters come from. Those it lacks are initialised as transformers does it: normal
    ///     with the configuration's `initializer_range`, biases 0, layer norms the identity.
    ///   - seed: Decides what is initialised.
    ///   - device: Where the model's parameters live.
    ///   - instrument: What watches its layers; the model then computes with libtorch's operations.
    /// - Throws: ``TransformersError`` where the configuration contradicts itself or the source.
    public init(
        _ configuration: BertConfiguration, source: (any ParameterSource)?, seed: UInt64,
        device: Device = .cpu, instrument: (any LayerInstrument)? = nil
    ) throws {
        try configuration.validate()
        let root = ParameterScope(
            store: parameters, source: source, seed: seed, device: device, instrument: instrument)
        let bert = root["bert"]
        let initializer = ParameterInitializer.normal(standardDeviation: configuration.initializerRange)
        embeddings = try BertEmbeddings(bert["embeddings"], configuration)
        layers = try (0..<configuration.numHiddenLayers).map {
            try BertLayer(bert["encoder"]["layer"][$0], configuration)
        }
        let packed = layers.compactMap(\.packed)
        packedLayers = packed.count == layers.count ? packed : []
        let mixed =
            parameters.isQuantized && PackedMixedLayer.isPreferred ? try layers.compactMap { try $0.mixed() } : []
        mixedLayers = mixed.count == layers.count ? mixed : []
        pooler = try Linear(
            bert["pooler"]["dense"], inputs: configuration.hiddenSize, outputs: configuration.hiddenSize,
            initializer: initializer)
        dropout = Dropout(configuration.classifierDropout ?? configuration.hiddenDropoutProb)
        classifier = try Linear(
            root["classifier"], inputs: configuration.hiddenSize, outputs: configuration.labelNames.count,
            initializer: initializer)
        self.configuration = configuration
        self.device = device
    }

    public func callAsFunction(
        _ input: ModelInput, dropout: DropoutState?, selecting: OutputSelection
    ) throws -> ClassifierOutput {
        try input.validate(maxLength: configuration.maxPositionEmbeddings)
        let dtype = computeType
        if selecting.isEmpty, usesInt8Kernels(dropout), let packed = try input.packed() {
            return ClassifierOutput(logits: try classifyInt8(packed))
        }
        if selecting.isEmpty, usesKernels, let packed = try input.packed() {
            return ClassifierOutput(logits: try classify(packed, dropout: dropout, FeatureSelection()).logits)
        }
        let mask = try Self.additiveMask(input.attentionMask, dtype)
        var hidden = try embeddings(input, dropout)
        var hiddenStates: [Tensor] = []
        var attentions: [Tensor] = []
        if selecting.contains(.hiddenStates) { hiddenStates.append(hidden) }
        for layer in layers {
            let result = try layer(
                hidden, mask: mask, dtype, dropout, needsProbabilities: selecting.contains(.attentions))
            hidden = result.output
            if selecting.contains(.hiddenStates) { hiddenStates.append(hidden) }
            if let probabilities = result.probabilities { attentions.append(probabilities) }
        }
        let logits = try logits(hidden.selected(dimension: 1, index: 0), dropout)
        return ClassifierOutput(logits: logits, hiddenStates: hiddenStates, attentions: attentions)
    }

    public func callAsFunction(_ input: PackedInput, dropout: DropoutState?) throws -> ClassifierOutput {
        try input.validate(maxLength: configuration.maxPositionEmbeddings)
        if usesInt8Kernels(dropout) { return ClassifierOutput(logits: try classifyInt8(input)) }
        guard usesKernels else {
            let padded = try ModelInput(input, paddingID: configuration.padTokenId, device: device)
            return try self(padded, dropout: dropout, selecting: [])
        }
        return ClassifierOutput(logits: try classify(input, dropout: dropout, FeatureSelection()).logits)
    }

    public func callAsFunction(
        _ input: PackedInput, dropout: DropoutState?, features: FeatureSelection
    ) throws -> PackedFeatures {
        try input.validate(maxLength: configuration.maxPositionEmbeddings)
        try features.validate(layers: layers.count)
        return try usesKernels
            ? classify(input, dropout: dropout, features) : padded(input, dropout: dropout, features)
    }

    public var sparseTables: [Tensor] { usesKernels ? [embeddings.wordTable] : [] }

    /// Int8 layers give float32, and what is between them stays so.
    private var computeType: DType {
        parameters.isQuantized ? .float32 : precision.resolved(on: device).dtype
    }

    /// Whether the kernels for packed sequences compute this model at its present precision.
    private var usesKernels: Bool {
        !packedLayers.isEmpty
            && PackedKernels.arePreferred(for: computeType, on: device)
    }

    /// Whether the kernels for int8 layers compute this model.
    private func usesInt8Kernels(_ state: DropoutState?) -> Bool { !mixedLayers.isEmpty && state == nil }

    /// Logits (B, C) of a quantised model.
    private func classifyInt8(_ input: PackedInput) throws -> Tensor {
        let sequences = try PackedSequences(offsets: input.offsets)
        var hidden = try embeddings.widened(input)
        for (index, layer) in mixedLayers.enumerated() {
            hidden = try layer(hidden, sequences, firstOnly: index == mixedLayers.count - 1)
        }
        return try logits(hidden, nil)
    }

    /// The logits need nothing of the last layer but each example's first token.
    private func classify(
        _ input: PackedInput, dropout: DropoutState?, _ features: FeatureSelection
    ) throws -> PackedFeatures {
        let dtype = computeType
        let sequences = try PackedSequences(offsets: input.offsets)
        var kept = FeatureCollector(features)
        var hidden = try embeddings.packed(input.inputIDs, types: input.tokenTypeIDs, sequences, dropout)
        kept.add(hidden, number: 0)
        let last = packedLayers.count - 1
        let firstOnly = !features.hiddenStates.contains(last + 1)
        for (index, layer) in packedLayers.enumerated() {
            try kept.add(layers[index], index, input: hidden, dtype)
            hidden = try layer(
                hidden, sequences, dtype: dtype, firstOnly: index == last && firstOnly, dropout)
            kept.add(hidden, number: index + 1)
        }
        let first = try firstOnly ? hidden : hidden.indexSelect(dimension: 0, Self.firstTokens(input, device))
        return kept.features(logits: try logits(first, dropout))
    }

    /// The same with libtorch's operations, on padded batches, whose padding is then left out.
    private func padded(
        _ input: PackedInput, dropout: DropoutState?, _ features: FeatureSelection
    ) throws -> PackedFeatures {
        let dtype = computeType
        let batch = try ModelInput(input, paddingID: configuration.padTokenId, device: device)
        let mask = try Self.additiveMask(batch.attentionMask, dtype)
        let tokens = try input.places(device: device)
        func packed(_ hidden: Tensor) throws -> Tensor {
            try hidden.reshaped([-1, configuration.hiddenSize]).indexSelect(dimension: 0, tokens)
        }
        var kept = FeatureCollector(features)
        var hidden = try embeddings(batch, dropout)
        if features.needsState(0) { kept.add(try packed(hidden), number: 0) }
        for (index, layer) in layers.enumerated() {
            if features.projections.contains(index) {
                try kept.add(layer, index, input: packed(hidden), dtype)
            }
            hidden = try layer(hidden, mask: mask, dtype, dropout, needsProbabilities: false).output
            if features.needsState(index + 1) { kept.add(try packed(hidden), number: index + 1) }
        }
        return kept.features(logits: try logits(hidden.selected(dimension: 1, index: 0), dropout))
    }

    /// Where each example's first token stands: (B) int64.
    private static func firstTokens(_ input: PackedInput, _ device: Device) throws -> Tensor {
        try Tensor(Array(input.offsets.dropLast()), device: device)
    }

    /// Logits (B, C) from each example's first token (B, H).
    private func logits(_ first: Tensor, _ state: DropoutState?) throws -> Tensor {
        try classifier(dropout(pooler(first).tanh(), state))
    }

    /// (B, L) of 1 and 0 → (B, 1, 1, L): 0 for tokens, the lowest number for padding.
    ///
    /// Minus infinity would make a row without any token NaN.
    private static func additiveMask(_ mask: Tensor, _ dtype: DType) throws -> Tensor {
        let isPadding = try mask.equal(0).unsqueezed(1).unsqueezed(1)
        // The lowest float32 would be rounded to minus infinity in bfloat16.
        let lowest = dtype == .bfloat16 ? -3.38e38 : -Double(Float.greatestFiniteMagnitude)
        return try Tensor.zeros(isPadding.shape, dtype: dtype, device: mask.device)
            .maskedFill(isPadding, lowest)
    }
}
