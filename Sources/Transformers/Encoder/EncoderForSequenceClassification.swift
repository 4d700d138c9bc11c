import Torch

/// A transformer encoder with a classification head, as transformers' classes whose names end so; the family decides
/// what it is made of.
public final class EncoderForSequenceClassification: SequenceClassifier {
    public let configuration: ModelConfiguration
    public let parameters = ParameterStore()
    public let device: Device
    public var precision = Precision.float32

    private let parts: EncoderParts
    /// The layers' packed form; empty where the kernels cannot compute one of them.
    private let packedLayers: [PackedEncoderLayer]
    /// Embeddings and layers started together, on a CUDA device.
    private let packedEncoder: PackedEncoder?
    /// The layers of a quantised model for packed input; empty where the kernels cannot compute one of them.
    private let mixedLayers: [PackedMixedLayer]

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
        _ configuration: ModelConfiguration, source: (any ParameterSource)?, seed: UInt64,
        device: Device = .cpu, instrument: (any LayerInstrument)? = nil
    ) throws {
        try configuration.validate()
        let root = ParameterScope(
            store: parameters, source: source, seed: seed, device: device, instrument: instrument)
        parts = try configuration.family.build(root, configuration)
        let packed =
            parts.finalNorm == nil && parts.embeddings.canPack ? parts.layers.compactMap(\.packed) : []
        packedLayers = packed.count == parts.layers.count ? packed : []
        packedEncoder =
            device.kind == .cuda && !packedLayers.isEmpty ? try parts.embeddings.encoder(packedLayers) : nil
        let mixed =
            parameters.isQuantized && PackedMixedLayer.isPreferred && parts.finalNorm == nil
            ? try parts.layers.compactMap { try $0.mixed() } : []
        mixedLayers = mixed.count == parts.layers.count ? mixed : []
        self.configuration = configuration
        self.device = device
    }

    public func callAsFunction(
        _ input: ModelInput, dropout: DropoutState?, selecting: OutputSelection
    ) throws -> ClassifierOutput {
        try input.validate(maxLength: configuration.maxLength)
        if selecting.isEmpty, usesInt8Kernels(dropout), let packed = try input.packed() {
            return ClassifierOutput(logits: try classifyInt8(packed))
        }
        if selecting.isEmpty, usesKernels, let packed = try input.packed() {
            return ClassifierOutput(logits: try classify(packed, dropout: dropout, FeatureSelection()).logits)
        }
        let context = try LayerContext(
            attentionMask: input.attentionMask, dtype: computeType, dropout: dropout,
            needsProbabilities: selecting.contains(.attentions))
        var hiddenStates: [Tensor] = []
        var attentions: [Tensor] = []
        let logits = try run(input, context) { _, hidden, probabilities in
            if selecting.contains(.hiddenStates) { hiddenStates.append(hidden) }
            if let probabilities { attentions.append(probabilities) }
        }
        return ClassifierOutput(logits: logits, hiddenStates: hiddenStates, attentions: attentions)
    }

    public func callAsFunction(_ input: PackedInput, dropout: DropoutState?) throws -> ClassifierOutput {
        try input.validate(maxLength: configuration.maxLength)
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
        try input.validate(maxLength: configuration.maxLength)
        try features.validate(layers: parts.layers.count)
        return try usesKernels
            ? classify(input, dropout: dropout, features) : padded(input, dropout: dropout, features)
    }

    public var sparseTables: [Tensor] {
        usesKernels && device.kind == .cpu ? [parts.embeddings.wordTable] : []
    }

    /// Int8 layers give float32, and what is between them stays so.
    private var computeType: DType {
        parameters.isQuantized ? .float32 : precision.resolved(on: device).dtype
    }

    /// Whether this model is computed on packed sequences at its present precision: by the kernels on the CPU, by
    /// libtorch's operations on a CUDA device.
    private var usesKernels: Bool {
        !packedLayers.isEmpty
            && (device.kind == .cuda || PackedKernels.arePreferred(for: computeType, on: device))
    }

    /// Whether the kernels for int8 layers compute this model.
    private func usesInt8Kernels(_ state: DropoutState?) -> Bool { !mixedLayers.isEmpty && state == nil }

    /// Logits (B, C) of a quantised model.
    private func classifyInt8(_ input: PackedInput) throws -> Tensor {
        let sequences = try PackedSequences(offsets: input.offsets)
        var hidden = try parts.embeddings.widened(input)
        for (index, layer) in mixedLayers.enumerated() {
            hidden = try layer(hidden, sequences, firstOnly: index == mixedLayers.count - 1)
        }
        return try parts.head(hidden, nil)
    }

    /// The logits need nothing of the last layer but each example's first token.
    private func classify(
        _ input: PackedInput, dropout: DropoutState?, _ features: FeatureSelection
    ) throws -> PackedFeatures {
        let dtype = computeType
        var kept = FeatureCollector(features)
        if features.isEmpty, let packedEncoder,
            let first = try packedEncoder(
                input.inputIDs, types: parts.embeddings.types(of: input), offsets: input.offsets,
                dtype: dtype, dropout)
        {
            return kept.features(logits: try parts.head(first, dropout))
        }
        let sequences = try PackedSequences(offsets: input.offsets, device: device)
        var hidden = try parts.embeddings.packed(input, sequences, dtype: dtype, dropout)
        kept.add(hidden.wide, number: 0)
        let last = packedLayers.count - 1
        let firstOnly = !features.hiddenStates.contains(last + 1)
        for (index, layer) in packedLayers.enumerated() {
            try kept.add(parts.layers[index], index, input: hidden.wide, dtype)
            hidden = try layer(
                hidden, sequences, dtype: dtype, firstOnly: index == last && firstOnly, dropout)
            kept.add(hidden.wide, number: index + 1)
        }
        let first =
            try firstOnly
            ? hidden.wide : hidden.wide.indexSelect(dimension: 0, Self.firstTokens(input, device))
        return kept.features(logits: try parts.head(first, dropout))
    }

    /// The same with libtorch's operations, on padded batches, whose padding is then left out.
    private func padded(
        _ input: PackedInput, dropout: DropoutState?, _ features: FeatureSelection
    ) throws -> PackedFeatures {
        let batch = try ModelInput(input, paddingID: configuration.padTokenId, device: device)
        let context = try LayerContext(
            attentionMask: batch.attentionMask, dtype: computeType, dropout: dropout)
        let tokens = try input.places(device: device)
        var kept = FeatureCollector(features)
        let logits = try run(batch, context) { number, hidden, _ in
            let compared = number < parts.layers.count && features.projections.contains(number)
            guard features.needsState(number) || compared else { return }
            let packed = try hidden.reshaped([-1, configuration.hiddenSize]).indexSelect(dimension: 0, tokens)
            kept.add(packed, number: number)
            if compared { try kept.add(parts.layers[number], number, input: packed, context.dtype) }
        }
        return kept.features(logits: logits)
    }

    /// A forward pass on a padded batch with libtorch's operations. Returns logits (B, C).
    ///
    /// - Parameter visit: Is given each hidden state (B, L, H) with its number, as transformers counts them, and the
    ///   attention probabilities of the layer that gave it, where they are wanted.
    private func run(
        _ input: ModelInput, _ context: LayerContext, visit: (Int, Tensor, Tensor?) throws -> Void
    ) throws -> Tensor {
        var hidden = try parts.embeddings(input, context.dropout)
        try visit(0, hidden, nil)
        for (index, layer) in parts.layers.enumerated() {
            let result = try layer(hidden, context)
            hidden = result.output
            // The last hidden state is what the head reads.
            if index == parts.layers.count - 1, let norm = parts.finalNorm { hidden = try norm(hidden) }
            try visit(index + 1, hidden, result.probabilities)
        }
        return try parts.head(pooled(hidden, input.attentionMask), context.dropout)
    }

    /// (B, L, H) → (B, H)
    private func pooled(_ hidden: Tensor, _ attentionMask: Tensor) throws -> Tensor {
        switch parts.pooling {
        case .firstToken: return try hidden.selected(dimension: 1, index: 0)
        case .mean:
            let mask = try attentionMask.to(.float32).unsqueezed(2)
            return try (hidden * mask).sum(1) / mask.sum(1)
        }
    }

    /// Where each example's first token stands: (B) int64.
    private static func firstTokens(_ input: PackedInput, _ device: Device) throws -> Tensor {
        try Tensor(Array(input.offsets.dropLast()), device: device)
    }
}
