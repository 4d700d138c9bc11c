import Architectures
import Torch

extension TransformerModel {
    /// Makes an empty cache for one text.
    ///
    /// - Parameter precision: The precision of matrix products in the passes that use it.
    /// - Throws: ``TransformersError`` for an encoder.
    public func makeCache(precision: Precision = .float32) throws -> KeyValueCache {
        try KeyValueCache(decoder(), precision: precision)
    }

    /// Computes the logits of tokens that follow those that caches hold, and adds their keys and values to them.
    ///
    /// Logits have the bits that the whole text gives, whatever its parts and the texts beside it, where the kernels compute them
    /// (`PackedKernels.arePreferred(for:on:)`); libtorch's operations give them but for rounding. No gradient is recorded. Where it
    /// throws, the caches hold what they held before.
    ///
    /// - Parameters:
    ///   - input: The new tokens of B texts, at least one of each; `rows` are those whose logits are wanted.
    ///   - caches: B caches of this model, of one precision, none of them twice.
    /// - Returns: Logits (R, V) float32.
    /// - Throws: ``TransformersError`` for texts that become longer than the model has positions, or caches that do not fit.
    public func callAsFunction(_ input: PackedInput, caches: [KeyValueCache]) throws -> ModelOutput {
        let backbone = try decoder()
        guard let head = head as? LanguageModelHead else {
            throw TransformersError("\(configuration.source): has no head that predicts tokens")
        }
        try input.validate(maxLength: configuration.maxLength)
        try validate(caches, input, backbone)
        let pasts = caches.map(\.length)
        return try withNoGrad {
            let context = DecoderContext(
                sequences: try PackedSequences(offsets: input.offsets, device: device, firstPlaces: pasts),
                dtype: caches[0].precision.dtype, dropout: nil, caches: caches)
            let rows = try input.selected(of: backbone.following(input, context))
            let logits = try head.output.float32Tokens(rows.to(context.dtype))
            for (text, cache) in caches.enumerated() {
                cache.length = pasts[text] + input.offsets[text + 1] - input.offsets[text]
            }
            return ModelOutput(logits: logits)
        }
    }

    private func decoder() throws -> DecoderBackbone {
        guard let decoder = backbone as? DecoderBackbone else {
            throw TransformersError(
                "\(configuration.source): is an encoder (\(configuration.modelType)); only a language model keeps keys and values"
            )
        }
        return decoder
    }

    private func validate(
        _ caches: [KeyValueCache], _ input: PackedInput, _ backbone: DecoderBackbone
    ) throws {
        guard caches.count == input.count, Set(caches.map(ObjectIdentifier.init)).count == caches.count else {
            throw TransformersError(
                "\(input.count) texts need as many caches, each its own; got \(caches.count)")
        }
        guard caches.allSatisfy({ $0.precision == caches[0].precision }),
            caches.allSatisfy({ $0.layers.count == backbone.layers.count })
        else {
            throw TransformersError(
                "the caches are of several precisions or models; make them with one model's makeCache(precision:)"
            )
        }
        for (text, cache) in caches.enumerated() {
            let length = cache.length + input.offsets[text + 1] - input.offsets[text]
            guard length <= configuration.maxLength else {
                throw TransformersError(
                    "text \(text) would have \(length) tokens, the model \(configuration.maxLength) positions "
                        + "(max_position_embeddings); end it before")
            }
        }
    }
}
