import Architectures
import Safetensors

/// An encoder with its head, on the kernels alone. Any number of threads may use one at the same time.
///
/// Shapes: T tokens of B texts, H hidden size, R rows that the head reads (B of a sequence classifier, T of a tagger), C labels.
final class Encoder: Sendable {
    private let embeddings: Embeddings
    private let layers: [any EncoderLayer]
    /// The norm after the last layer.
    private let finalNorm: Norm?
    /// `nil` of a model whose hidden states are read.
    private let head: Head?
    private let configuration: ModelConfiguration

    /// Reads and packs the weights.
    ///
    /// - Parameter hasHead: False to read the encoder alone, for its hidden states.
    /// - Throws: ``RuntimeError`` for a family that the kernels do not compute, and tensors that are missing or do not fit.
    init(
        _ checkpoint: SafetensorsCheckpoint, path: String, _ configuration: ModelConfiguration,
        usesBFloat16: Bool, hasHead: Bool = true
    ) throws {
        try Self.requireSupported(configuration, hasHead: hasHead)
        let store = try WeightStore(checkpoint, path: path, configuration)
        embeddings = try Embeddings(store, configuration)
        let groups = try Self.layers(store, configuration, usesBFloat16: usesBFloat16)
        if store.holds(configuration.family.layout.layers(groups.count)) {
            throw RuntimeError(
                "\(path): the weights have more layers than the \(groups.count) of config.json; use the config.json that belongs to "
                    + "these weights")
        }
        layers = try (0..<configuration.numHiddenLayers).map { groups[try configuration.layerGroup($0)] }
        finalNorm =
            try configuration.family.attentionPositions == .rotary
            ? Norm(
                store, ModernBertNames.finalNorm, width: configuration.hiddenSize,
                hasBias: ModernBertSettings(configuration).normBias) : nil
        head = try hasHead ? Head(store, configuration) : nil
        self.configuration = configuration
        store.releasePages()
    }

    /// The layers that have parameters of their own.
    private static func layers(
        _ store: WeightStore, _ configuration: ModelConfiguration, usesBFloat16: Bool
    ) throws -> [any EncoderLayer] {
        let numbers = try 0..<configuration.layerGroups()
        let path = configuration.family.layout.layers
        switch configuration.family.attentionPositions {
        case .none, .bias:
            let positions =
                try configuration.family.attentionPositions == .bias
                ? RelativePositions.bias(store, configuration) : nil
            return try numbers.map {
                try PostNormLayer(
                    store, path: path($0), configuration, positions: positions, usesBFloat16: usesBFloat16)
            }
        case .disentangled:
            let settings = try DebertaV2Settings(configuration)
            let distances = try settings.relative.map { try DistanceEmbeddings(store, configuration, $0) }
            return try numbers.map {
                try PostNormLayer(
                    store, path: path($0), configuration,
                    positions: .disentangled(store, path: path($0), configuration, settings, distances),
                    usesBFloat16: usesBFloat16)
            }
        case .rotary:
            let settings = try ModernBertSettings(configuration)
            func table(_ theta: Double) throws -> RotaryTable {
                try RotaryTable(
                    positions: configuration.maxLength, headSize: configuration.headSize, theta: theta)
            }
            let (all, local) = (try table(settings.globalTheta), try table(settings.localTheta))
            return try numbers.map {
                try PreNormLayer(
                    store, configuration, settings, index: $0, settings.windows[$0] == nil ? all : local,
                    usesBFloat16: usesBFloat16)
            }
        }
    }

    /// Checks that the kernels compute a model.
    ///
    /// - Parameter hasHead: False where its hidden states alone are read, whatever class its weights belong to.
    /// - Throws: ``RuntimeError`` where the kernels do not compute the model, `ArchitectureError` where its class has another head.
    static func requireSupported(_ configuration: ModelConfiguration, hasHead: Bool = true) throws {
        try requireKernels(configuration)
        if hasHead { try configuration.requireKnownHead() }
    }

    /// - Throws: ``RuntimeError`` where the kernels do not compute the layers, whatever head is on them.
    static func requireKernels(_ configuration: ModelConfiguration) throws {
        guard !configuration.isDecoder else {
            throw RuntimeError(
                "\(configuration.source): is a language model, which writes texts; use `distill generate`, `distill-run` or a `LanguageModel`"
            )
        }
        guard configuration.family.attentionPositions != .disentangled || !configuration.projectsEmbeddings
        else {
            throw RuntimeError(
                "\(configuration.source): there is no kernel for embeddings of another width (embedding_size \(configuration.embeddingSize), "
                    + "hidden_size \(configuration.hiddenSize)) in a \(configuration.modelType); use `distill predict`, or an ONNX export"
            )
        }
    }

    /// The logits (R, C), row after row.
    ///
    /// - Throws: ``RuntimeError`` for an id outside of the vocabulary, and a text that is empty or too long.
    func logits(_ texts: PackedTexts) throws -> AlignedBuffer<Float> {
        guard let head else { return try states(texts, firstOnly: false) }
        switch head.rows {
        case .firstToken: return try head(states(texts, firstOnly: true), rows: texts.count)
        case .tokens: return try head(states(texts, firstOnly: false), rows: texts.tokens)
        case .mean: return try head(means(of: states(texts, firstOnly: false), texts), rows: texts.count)
        }
    }

    /// The mean of each text's hidden states: (T, H) → (B, H).
    private func means(of states: AlignedBuffer<Float>, _ texts: PackedTexts) throws -> AlignedBuffer<Float> {
        let width = configuration.hiddenSize
        let means = try AlignedBuffer<Float>(count: texts.count * width)
        means.pointer.update(repeating: 0, count: means.count)
        defer { withExtendedLifetime(states) {} }
        for text in 0..<texts.count {
            let (tokens, mean) = (
                Int(texts.offsets[text])..<Int(texts.offsets[text + 1]), means.pointer + text * width
            )
            for token in tokens {
                for index in 0..<width { mean[index] += states.pointer[token * width + index] }
            }
            for index in 0..<width { mean[index] /= Float(tokens.count) }
        }
        return means
    }

    /// The hidden states behind the last layer: (T, H), or (B, H) of each text's first token.
    ///
    /// - Throws: as the logits'.
    func states(_ texts: PackedTexts, firstOnly: Bool) throws -> AlignedBuffer<Float> {
        var hidden = try embeddings(texts)
        for (index, layer) in layers.enumerated() {
            // Who reads first tokens needs nothing else of the last layer.
            hidden = try layer(hidden, texts, firstOnly: firstOnly && index == layers.count - 1)
        }
        try finalNorm?.apply(
            to: hidden, rows: firstOnly ? texts.count : texts.tokens, epsilon: configuration.layerNormEps)
        return hidden
    }
}
