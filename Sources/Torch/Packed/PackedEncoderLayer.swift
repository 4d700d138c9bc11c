import CTorch

/// A transformer layer that normalizes after each residual (Vaswani et al., arXiv 1706.03762), as BERT's, on packed
/// sequences, in one operation forward and one backward.
///
/// Shapes: T tokens of all examples, B examples, H hidden size.
public final class PackedEncoderLayer {
    let parameters: [Tensor]
    private let options: ct_layer_options
    private let hiddenDropout: Double
    private let outputDropout: Double
    private let attentionDropout: Double
    private var packed: (layer: ct_packed_layer, version: Int64, bfloat16: Bool)?
    private var composed: ComposedLayer?

    /// - Parameters:
    ///   - query: H → H with a bias, as the other projections of attention.
    ///   - key: H → H.
    ///   - value: H → H.
    ///   - attentionOutput: H → H, from the joined heads.
    ///   - attentionNorm: After attention and its residual.
    ///   - intermediate: H → intermediate size, with a bias.
    ///   - output: Intermediate size → H, with a bias.
    ///   - outputNorm: After the feed-forward network and its residual.
    ///   - heads: A divisor of H.
    ///   - activation: Between `intermediate` and `output`.
    ///   - hiddenDropout: The probability after attention, in training.
    ///   - outputDropout: That after `output`.
    ///   - attentionDropout: That of attention weights.
    /// - Returns: `nil` where a bias is missing, a weight is int8 or has a hook, or the kernels do not support the
    ///   activation.
    public init?(
        query: Linear, key: Linear, value: Linear, attentionOutput: Linear, attentionNorm: LayerNorm,
        intermediate: Linear, output: Linear, outputNorm: LayerNorm, heads: Int, activation: Activation,
        hiddenDropout: Double, outputDropout: Double, attentionDropout: Double
    ) {
        var parameters: [Tensor] = []
        for linear in [query, key, value, attentionOutput] {
            guard let bias = linear.bias, linear.isPlain else { return nil }
            parameters += [linear.weight, bias]
        }
        parameters += [attentionNorm.weight, attentionNorm.bias]
        for linear in [intermediate, output] {
            guard let bias = linear.bias, linear.isPlain else { return nil }
            parameters += [linear.weight, bias]
        }
        parameters += [outputNorm.weight, outputNorm.bias]
        let (hidden, inner) = (attentionNorm.weight.count, intermediate.bias?.count ?? 0)
        guard let code = Self.code(activation), attentionNorm.epsilon == outputNorm.epsilon,
            hidden % heads == 0
        else { return nil }
        self.parameters = parameters
        self.hiddenDropout = hiddenDropout
        self.outputDropout = outputDropout
        self.attentionDropout = attentionDropout
        options = ct_layer_options(
            hidden: Int64(hidden), intermediate: Int64(inner), heads: Int64(heads), activation: code,
            bfloat16: false,
            first_only: false, recompute: false, epsilon: attentionNorm.epsilon, attention_dropout: 0,
            hidden_dropout: 0,
            output_dropout: 0, seed: 0, offset: 0, rows_before: 0, attention_blocks_before: 0)
    }

    deinit { if let packed { ct_packed_layer_free(packed.layer) } }

    /// - Parameters:
    ///   - x: (T, H), float32.
    ///   - sequences: The offsets of the examples.
    ///   - dtype: The type that matrices are multiplied in, float32 or bfloat16. The residual stream stays float32.
    ///   - firstOnly: Only each example's first token is wanted: all else of the layer's work is left out.
    ///   - state: The random state in training; `nil` in evaluation.
    ///   - positionBias: (N, 2 · reach + 1): what is added to the scores of each head by the distance of key and query, from -reach
    ///     on, where no example has more than reach + 1 tokens; on the CPU and without gradients alone.
    /// - Returns: (T, H), or (B, H) of the first tokens.
    /// - Throws: ``TorchError`` where shapes do not fit, and for a position bias where a gradient is wanted.
    public func callAsFunction(
        _ x: Tensor, _ sequences: PackedSequences, dtype: DType, firstOnly: Bool, _ state: DropoutState?,
        positionBias: Tensor? = nil
    ) throws -> Tensor {
        try self(
            PackedHidden(x), sequences, dtype: dtype, firstOnly: firstOnly, state, positionBias: positionBias
        ).wide
    }

    /// The same for a hidden state that a layer before has given: by the kernels on the CPU, by libtorch's operations on
    /// other devices. With `recomputes`, the backward pass computes the layer again instead of keeping what this pass leaves.
    public func callAsFunction(
        _ x: PackedHidden, _ sequences: PackedSequences, dtype: DType, firstOnly: Bool,
        _ state: DropoutState?,
        positionBias: Tensor? = nil, recomputes: Bool = false
    ) throws -> PackedHidden {
        var options = self.options(dtype, firstOnly, state)
        options.recompute = recomputes
        if x.wide.device.kind != .cpu {
            guard !recomputes else {
                throw TorchError(
                    "encoder_layer: layers are computed again on the CPU alone so far; leave --gradient-checkpointing out"
                )
            }
            guard positionBias == nil else {
                throw TorchError(
                    kind: .internal, "encoder_layer: a position bias is computed on the CPU alone")
            }
            return try composed(x, sequences, options)
        }
        // A graph packs the weights for itself, as each step changes them.
        let isTrained =
            ct_grad_enabled() && (x.wide.requiresGrad || parameters.contains(where: \.requiresGrad))
        let layer = isTrained ? nil : try packedLayer(options)
        return PackedHidden(
            try Tensor.withHandles(parameters) { handles, _ in
                try .make {
                    ct_encoder_layer(
                        x.wide.handle, sequences.tensor.handle, handles, options, layer, positionBias?.handle,
                        $0)
                }
            })
    }

    /// The same by libtorch's operations, on any device.
    func composed(
        _ x: PackedHidden, _ sequences: PackedSequences, dtype: DType, firstOnly: Bool, _ state: DropoutState?
    ) throws -> PackedHidden {
        try composed(x, sequences, options(dtype, firstOnly, state))
    }

    private func composed(
        _ x: PackedHidden, _ sequences: PackedSequences, _ options: ct_layer_options
    ) throws -> PackedHidden {
        if let composed, try composed.suits(parameters, bfloat16: options.bfloat16) {
            return try composed(x, sequences, parameters, options)
        }
        let made = try ComposedLayer(parameters, options)
        composed = made
        return try made(x, sequences, parameters, options)
    }

    /// The weights that the layer was last computed with by libtorch's operations, where they are of a type.
    func composedWeights(bfloat16: Bool) -> ct_composed_layer? {
        composed.flatMap { $0.isBFloat16 == bfloat16 ? $0.handle : nil }
    }

    /// The layer's options with its dropout probabilities.
    var trainingOptions: ct_layer_options {
        var options = self.options
        options.hidden_dropout = hiddenDropout
        options.output_dropout = outputDropout
        options.attention_dropout = attentionDropout
        return options
    }

    private func options(_ dtype: DType, _ firstOnly: Bool, _ state: DropoutState?) -> ct_layer_options {
        var options = state == nil ? self.options : trainingOptions
        options.bfloat16 = dtype == .bfloat16
        options.first_only = firstOnly
        if let state {
            let position = state.next(3)
            (options.seed, options.offset) = (position.seed, position.offset)
            let before = state.before
            options.rows_before = Int64(firstOnly ? before.lengths.count : before.tokens)
            options.attention_blocks_before =
                options.heads
                * before.lengths.reduce(0) {
                    $0 + ct_attention_mask_blocks(firstOnly ? 1 : Int64($1), Int64($1))
                }
        }
        return options
    }

    /// The prepacked weights, packed again when a parameter has changed.
    private func packedLayer(_ options: ct_layer_options) throws -> ct_packed_layer? {
        let version = parameters.reduce(Int64(0)) { $0 &* 31 &+ ct_version_of($1.handle) }
        if let packed, packed.version == version, packed.bfloat16 == options.bfloat16 { return packed.layer }
        if let old = packed?.layer { ct_packed_layer_free(old) }
        packed = nil
        var layer: ct_packed_layer?
        try Tensor.withHandles(parameters) { handles, _ in try check(ct_pack_layer(handles, options, &layer))
        }
        if let layer { packed = (layer, version, options.bfloat16) }
        // From here on a model in a mapped file is read from its packed form.
        for parameter in parameters where parameter.count > 1 << 14 { ct_release_pages(parameter.handle) }
        return layer
    }

    static func code(_ activation: Activation) -> Int32? {
        switch activation {
        case .gelu: Int32(CT_LAYER_GELU)
        case .geluNew, .geluTanh: Int32(CT_LAYER_GELU_TANH)
        case .relu: Int32(CT_LAYER_RELU)
        case .silu, .swish: Int32(CT_LAYER_SILU)
        case .tanh, .sigmoid: nil
        }
    }
}
