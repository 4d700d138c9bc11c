import CTorch

/// A decoder's layer as Llama's (Touvron et al., arXiv 2302.13971) on packed texts on the CPU, in one operation forward and one backward:
/// attention and a gated feed-forward network, each with a norm by the root mean square before it, and Gemma's after it too.
///
/// Shapes: T tokens of all texts, H hidden size, D head size.
public final class PackedDecoderLayer {
    /// The norms, each `nil` where the layer has none.
    public struct Norms {
        let all: [RMSNorm?]

        /// - Parameters:
        ///   - input: (H), before attention.
        ///   - feedForward: (H), before the feed-forward network.
        ///   - attentionOutput: (H), of the attention's output.
        ///   - feedForwardOutput: (H), of the feed-forward network's output.
        ///   - query: (D), of the queries' heads.
        ///   - key: (D), of the keys' heads.
        public init(
            input: RMSNorm?, feedForward: RMSNorm?, attentionOutput: RMSNorm?, feedForwardOutput: RMSNorm?,
            query: RMSNorm?, key: RMSNorm?
        ) {
            all = [input, feedForward, attentionOutput, feedForwardOutput, query, key]
        }
    }

    private let linears: [Linear]
    private let parameters: [Tensor?]
    private let attention: CausalAttention
    private let rotation: RotaryTable?
    private let options: ct_decoder_layer_options

    /// - Parameters:
    ///   - linears: Queries, keys, values, the attention's output, gate, up, down.
    ///   - norms: Those of the inputs are needed.
    ///   - attention: The heads, their scale and window.
    ///   - activation: Of the gate.
    ///   - rotation: The tables of positions; `nil` where nothing is rotated.
    /// - Returns: `nil` where a weight is quantized or observed or no float32 on the CPU, a norm of the inputs is missing, the norms are not
    ///   alike, or the kernels do not have the activation.
    public init?(
        linears: [Linear], norms: Norms, attention: CausalAttention, activation: Activation,
        rotation: RotaryTable?
    ) {
        let given = norms.all.compactMap(\.self)
        guard linears.count == CT_DECODER_LAYER_LINEARS,
            linears.allSatisfy({ $0.isPlain && $0.packed.isFloat32 }), let input = norms.all[0],
            norms.all[1] != nil,
            given.allSatisfy({ $0.epsilon == input.epsilon && $0.offset == input.offset }),
            let code = PackedEncoderLayer.code(activation), rotation == nil || attention.headSize % 2 == 0
        else { return nil }
        (self.linears, self.attention, self.rotation) = (linears, attention, rotation)
        parameters = linears.map(\.weight) + linears.map(\.bias) + norms.all.map { $0?.weight }
        options = ct_decoder_layer_options(
            heads: Int64(attention.heads), key_value_heads: Int64(attention.keyValueHeads),
            head_width: Int64(attention.headSize), window: Int64(attention.window ?? 0), activation: code,
            scale: attention.scale, epsilon: input.epsilon, norm_offset: input.offset, bfloat16: false,
            recompute: false)
    }

    /// True if the kernels should compute the layer on such an input, with products in a type.
    public func suits(_ x: Tensor, _ dtype: DType) -> Bool {
        x.dtype == .float32 && (dtype == .float32 || dtype == .bfloat16)
            && PackedKernels.arePreferred(for: dtype, on: x.device)
    }

    /// Computes the layer. With caches, the tokens are those after the ones that the caches hold, and are added to them; nothing may be
    /// recorded for gradients then.
    ///
    /// - Parameters:
    ///   - x: (T, H) float32.
    ///   - sequences: The offsets of the texts, and with caches the places of their first tokens.
    ///   - dtype: The type that matrices are multiplied in; the residual stream stays float32.
    ///   - caches: A cache of this layer for each text that the kernels made; empty where texts are whole.
    ///   - recomputes: True if the backward pass computes the layer again instead of keeping what this pass leaves.
    /// - Returns: (T, H) float32. A token's row has the same bits whatever the other texts, the number of threads, and the part of its text
    ///   that caches hold.
    /// - Throws: ``TorchError`` for shapes, caches and tables that do not fit together.
    public func callAsFunction(
        _ x: Tensor, _ sequences: PackedSequences, _ dtype: DType, caches: [AttentionCache] = [],
        recomputes: Bool = false
    ) throws -> Tensor {
        let handles = try self.handles(caches, sequences)
        let tables = try rotation?.tables(length: sequences.furthest, device: x.device)
        var options = options
        options.bfloat16 = dtype == .bfloat16
        options.recompute = recomputes
        let all: [ct_tensor?] = parameters.map { $0?.handle }
        return try withExtendedLifetime((parameters, caches, tables)) {
            try PackedWeight.withKept(linears.map(\.packed)) { packed in
                try withInt64(sequences.firstPlaces) { past, _ in
                    try handles.withUnsafeBufferPointer { handles in
                        try .make {
                            ct_decoder_layer(
                                x.handle, sequences.tensor.handle, all, options, tables?.cosine.handle,
                                tables?.sine.handle, packed, caches.isEmpty ? nil : handles.baseAddress, past,
                                $0)
                        }
                    }
                }
            }
        }
    }

    private func handles(_ caches: [AttentionCache], _ sequences: PackedSequences) throws
        -> [ct_attention_cache?]
    {
        guard !caches.isEmpty else { return [] }
        guard caches.count == sequences.count else {
            throw TorchError("\(caches.count) caches for \(sequences.count) texts; each needs one")
        }
        return try caches.map {
            guard case .packed(let handle) = $0.storage else {
                throw TorchError(
                    "a cache of libtorch's operations cannot be read by the kernels; make another one")
            }
            return handle
        }
    }
}
