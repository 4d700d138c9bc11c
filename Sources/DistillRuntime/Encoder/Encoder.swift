import Architectures
import Safetensors

/// An encoder with its head, on the kernels alone. Any number of threads may use one at the same time.
///
/// Shapes: T tokens of B texts, H hidden size, R rows that the head reads (B of a sequence classifier, T of a tagger), C labels.
final class Encoder: Sendable {
    private let embeddings: Embeddings
    private let layers: [EncoderLayer]
    /// `nil` of a model whose hidden states are read.
    private let head: Head?
    private let readsFirstTokens: Bool

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
        let layout = configuration.family.layout
        let groups = try (0..<configuration.layerGroups()).map {
            try EncoderLayer(store, path: layout.layers($0), configuration, usesBFloat16: usesBFloat16)
        }
        if store.holds(layout.layers(groups.count)) {
            throw RuntimeError(
                "\(path): the weights have more layers than the \(groups.count) of config.json; use the config.json that belongs to "
                    + "these weights")
        }
        layers = try (0..<configuration.numHiddenLayers).map { groups[try configuration.layerGroup($0)] }
        head = try hasHead ? Head(store, configuration) : nil
        readsFirstTokens = configuration.headKind == .sequenceClassification
        store.releasePages()
    }

    /// Checks that the kernels compute a model.
    ///
    /// - Parameter hasHead: False where its hidden states alone are read, whatever class its weights belong to.
    /// - Throws: ``RuntimeError`` where the kernels do not compute the model, `ArchitectureError` where its class has another head.
    static func requireSupported(_ configuration: ModelConfiguration, hasHead: Bool = true) throws {
        guard !configuration.isDecoder else {
            throw RuntimeError(
                "\(configuration.source): is a language model; use `distill generate`")
        }
        if hasHead { try configuration.requireKnownHead() }
        guard configuration.family.hasPlainPostNormLayers else {
            throw RuntimeError(
                "\(configuration.source): there are no kernels for the layers of \(configuration.modelType); "
                    + "use `distill predict`, or an ONNX export")
        }
    }

    /// The logits (R, C), row after row.
    ///
    /// - Throws: ``RuntimeError`` for an id outside of the vocabulary, and a text that is empty or too long.
    func logits(_ texts: PackedTexts) throws -> AlignedBuffer<Float> {
        let hidden = try states(texts, firstOnly: readsFirstTokens)
        guard let head else { return hidden }
        return try head(hidden, rows: readsFirstTokens ? texts.count : texts.tokens)
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
        return hidden
    }
}
