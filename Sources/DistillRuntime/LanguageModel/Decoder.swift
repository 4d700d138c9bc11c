import Architectures
import CKernels
import Decoding

/// A language model on the kernels alone. Any number of threads may use one at the same time, each with caches of its own.
///
/// Shapes: T tokens of B texts, H hidden size, R rows whose logits are wanted, V tokens of the vocabulary.
final class Decoder: Sendable {
    private let embeddings: TokenEmbeddings
    private let layers: [DecoderLayer]
    private let head: LanguageHead
    private let configuration: ModelConfiguration
    private let cacheShape: KeyValueCache.Shape

    /// Reads and packs the weights.
    ///
    /// - Throws: ``RuntimeError`` for tensors that are missing or do not fit, `ArchitectureError` for settings that do not.
    init(
        _ source: WeightSource, path: String, _ configuration: ModelConfiguration,
        _ precision: DecoderPrecision = DecoderPrecision()
    ) throws {
        let store = try WeightStore(source, path: path, configuration)
        let settings = try configuration.decoderSettings()
        // Layers that mix int8 or blocks with floating point compute with float32 between them.
        var precision = precision
        if configuration.quantization != nil || precision.blocks != nil || store.hasBlocks {
            precision.usesBFloat16 = false
        }
        embeddings = try TokenEmbeddings(store, configuration, settings)
        let rotary = RotaryCache.shared(settings.rotary)
        layers = try (0..<configuration.numHiddenLayers).map {
            try DecoderLayer(
                store, configuration, settings, index: $0, rotary.isEmpty ? nil : rotary[$0], precision)
        }
        if store.holds(configuration.family.layout.layers(layers.count)) {
            throw RuntimeError(
                "\(path): the weights have more layers than the \(layers.count) of config.json; use the config.json that belongs to "
                    + "these weights")
        }
        head = try LanguageHead(store, configuration, settings, precision)
        self.configuration = configuration
        cacheShape = KeyValueCache.Shape(
            layers: layers.count, heads: settings.keyValueHeads, width: settings.headSize,
            isBFloat16: precision.usesBFloat16)
        store.releasePages()
    }

    /// Computes the logits of tokens that follow those that caches hold, and adds their keys and values to them. Where it throws, the
    /// caches hold what they held before.
    ///
    /// - Parameters:
    ///   - ids: The new tokens of all texts, at least one of each.
    ///   - offsets: The beginning of each text among them, and the end.
    ///   - rows: The tokens whose logits are wanted; `nil` for the last of each text.
    ///   - caches: Each text's cache, none of them twice.
    /// - Returns: (R, V).
    /// - Throws: ``RuntimeError`` for texts that become longer than the model has positions, and tokens that it does not have.
    func logits(_ ids: [Int32], offsets: [Int], rows: [Int]? = nil, caches: [KeyValueCache]) throws -> [Float]
    {
        let pasts = caches.map(\.length)
        var longest = 0
        for (text, cache) in caches.enumerated() {
            let length = cache.length + offsets[text + 1] - offsets[text]
            guard length <= configuration.maxLength else {
                throw RuntimeError(
                    "text \(text) would have \(length) tokens, the model \(configuration.maxLength) positions "
                        + "(max_position_embeddings); end it before")
            }
            longest = max(longest, length)
            try cache.reserve(length)
        }
        let hidden = try states(ids, offsets, pasts, caches, longest)
        let logits = try head(hidden, rows: rows ?? offsets.dropFirst().map { $0 - 1 })
        for (text, cache) in caches.enumerated() { cache.advance(by: offsets[text + 1] - offsets[text]) }
        return logits
    }

    /// The hidden states behind the last layer, (T, H).
    private func states(
        _ ids: [Int32], _ offsets: [Int], _ pasts: [Int], _ caches: [KeyValueCache], _ longest: Int
    ) throws -> AlignedBuffer<Float> {
        var input = try embeddings(ids, offsets: offsets, firstPlaces: pasts)
        var output = try AlignedBuffer<Float>(count: input.count)
        let places = offsets.map(Int64.init)
        try places.withUnsafeBufferPointer { places in
            let sequences = ck_sequences(offsets: places.baseAddress, count: Int64(caches.count))
            for (index, layer) in layers.enumerated() {
                try layer(
                    input, to: output, sequences, caches.map { $0.kernel(index) }, longest: longest)
                swap(&input, &output)
            }
        }
        return input
    }
}

extension Decoder {
    /// The line that a form in blocks changes nothing, where no matrix has rows of whole blocks.
    func warnings(of weights: LanguageModel.Weights) -> [String] {
        let settings = try? configuration.decoderSettings()
        let attention = configuration.numAttentionHeads * (settings?.headSize ?? 0)
        let sums = [configuration.hiddenSize, configuration.intermediateSize, attention]
        guard weights.blocks != nil, !sums.contains(where: { $0.isMultiple(of: 32) }) else { return [] }
        return [
            "\(configuration.source): no matrix has rows of whole blocks of 32 (they have "
                + "\(sums.map(String.init).joined(separator: ", "))), so that \(weights.rawValue) rounds nothing"
        ]
    }
}

extension Decoder: NextTokenModel {
    var positions: Int { configuration.maxLength }
    var vocabularySize: Int { configuration.vocabSize }

    func makeCache() throws -> KeyValueCache { KeyValueCache(cacheShape) }

    func share(_ cache: KeyValueCache, tokens: Int) throws -> (cache: KeyValueCache, tokens: Int) {
        let shared = try KeyValueCache(sharing: cache, tokens: tokens)
        return (shared, shared.length)
    }

    func logits(_ ids: [Int32], offsets: [Int], caches: [KeyValueCache]) throws -> [Float] {
        try logits(ids, offsets: offsets, rows: nil, caches: caches)
    }
}
