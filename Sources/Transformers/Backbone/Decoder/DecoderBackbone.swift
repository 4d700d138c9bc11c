import Architectures
import Torch

/// A decoder on texts without padding: each token attends to those before it in its own text.
///
/// Shapes: R rows that a head reads, T tokens of all texts, H hidden size.
final class DecoderBackbone: Backbone {
    let configuration: ModelConfiguration
    let device: Device
    /// The token embedding table.
    let embedding: Embedding
    private let embeddingScale: Double?
    /// The table of positions; `nil` where positions are rotated.
    private let position: Embedding?
    private let embeddingDropout: Dropout
    let layers: [any DecoderLayer]
    private let finalNorm: DecoderNorm
    /// Layers and last norm as one node, where there are kernels for the device and the layers are of their form.
    let packed: PackedDecoder?
    /// Heads of keys and values, and a head's size.
    let keyValueHeads: Int
    let headSize: Int

    init(
        _ root: ParameterScope, _ configuration: ModelConfiguration, _ settings: DecoderSettings,
        device: Device
    ) throws {
        let names = configuration.family.layout.embeddings
        let width = configuration.hiddenSize
        func table(_ name: String, _ count: Int, padding: Int? = nil) throws -> Embedding {
            try Embedding(
                root[name], count: count, width: width, paddingIndex: padding,
                initializer: configuration.initializer)
        }
        embedding = try table(names.word, configuration.vocabSize, padding: settings.paddingToken)
        position = try names.position.map { try table($0, configuration.maxPositionEmbeddings) }
        embeddingScale = settings.embeddingScale
        embeddingDropout = Dropout(settings.embeddingDropout)
        let tables = RotaryTable.shared(settings.rotary)
        func layer(_ index: Int) throws -> any DecoderLayer {
            switch settings.norm {
            case .layer: try GPT2Layer(root, configuration, settings, index: index)
            case .rootMeanSquare, .rootMeanSquarePlusOne:
                try LlamaLayer(root, configuration, settings, index: index, tables[index])
            }
        }
        layers = try (0..<configuration.numHiddenLayers).map(layer)
        finalNorm = try DecoderNorm(
            root[names.norm], settings.norm, width: width, epsilon: configuration.layerNormEps)
        packed = Self.packed(layers, finalNorm, emulatesGraphs: false)
        (keyValueHeads, headSize) = (settings.keyValueHeads, settings.headSize)
        (self.configuration, self.device) = (configuration, device)
    }

    private static func packed(
        _ layers: [any DecoderLayer], _ norm: DecoderNorm, emulatesGraphs: Bool
    ) -> PackedDecoder? {
        let parts = layers.compactMap(\.packed)
        guard parts.count == layers.count, let norm = norm.rootMeanSquare else { return nil }
        return PackedDecoder(parts, lastNorm: norm, emulatesGraphs: emulatesGraphs)
    }

    /// Another node of the same layers.
    func packedDecoder(emulatesGraphs: Bool) -> PackedDecoder? {
        Self.packed(layers, finalNorm, emulatesGraphs: emulatesGraphs)
    }

    func callAsFunction(_ input: PackedInput, _ rows: RowSelection, _ options: ForwardOptions) throws
        -> BackboneOutput
    {
        try input.validate(maxLength: configuration.maxLength)
        try options.features.validate(layers: layers.count)
        let dtype = options.precision.resolved(on: device).dtype
        let context = DecoderContext(
            sequences: try PackedSequences(offsets: input.offsets, device: device), dtype: dtype,
            dropout: options.dropout, recomputes: options.recomputes && isGradEnabled,
            adapterDropout: options.adapterDropout)
        let embeddings = try embedded(input, context)
        if let packed, rows == .tokens, !context.recomputes, options.features.isEmpty,
            options.dropout == nil || configuration.attentionProbsDropoutProb == 0
        {
            return BackboneOutput(
                rows: try input.selected(of: packed(embeddings, context.sequences, dtype)), hiddenStates: [:],
                projections: [:])
        }
        var kept = FeatureCollector(options.features)
        var hidden = embeddings
        kept.add(hidden, number: 0)
        for (index, layer) in layers.enumerated() {
            if options.features.projections.contains(index) {
                kept.add(try layer.projections(hidden, dtype), layer: index)
            }
            hidden = try run(layer, hidden, context)
            if index == layers.count - 1 { hidden = try finalNorm(hidden) }
            kept.add(hidden, number: index + 1)
        }
        switch rows {
        case .tokens: return kept.output(try input.selected(of: hidden))
        case .firstToken, .mean, .pooled:
            throw TransformersError("a decoder's head reads tokens, not a summary of each text")
        }
    }

    private func run(_ layer: any DecoderLayer, _ x: Tensor, _ context: DecoderContext) throws -> Tensor {
        guard context.recomputes, !layer.recomputesItself(x, context) else { return try layer(x, context) }
        return try Recomputation.run(x, context.dropout) { x, state in
            try LowRankDropout.drawing(from: state, context.adapterDropout) {
                try layer(x, context.with(state))
            }
        }
    }

    /// Computes the hidden states (T, H) of tokens that follow those that each text's cache holds.
    func following(_ input: PackedInput, _ context: DecoderContext) throws -> Tensor {
        var hidden = try embedded(input, context)
        for layer in layers { hidden = try layer(hidden, context) }
        return try finalNorm(hidden)
    }

    func sparseTables(_ precision: Precision) -> [Tensor] { [] }

    /// (T, H) float32
    private func embedded(_ input: PackedInput, _ context: DecoderContext) throws -> Tensor {
        var sum = try embedding(Tensor(input.inputIDs, device: device))
        if let embeddingScale { sum = try sum * embeddingScale }
        if let position { sum = try sum + position(context.sequences.places(device: device)) }
        return try embeddingDropout(sum, context.dropout, over: .tokens)
    }
}
