import CTorch

/// The layers of a decoder and its last norm on packed texts, as one node of the graph, by libtorch's matrix products and this
/// package's CUDA kernels.
///
/// It computes decoders like Llama: two norms by the root mean square, attention with rotary positions, a gated feed-forward
/// network. The residual stream is float32. From the second batch of about a shape on, small batches are captured CUDA graphs, where
/// the program has found the library for them; gradients are then stored in memory that the next backward pass writes again. Only
/// one thread may run the decoders of a device. Shapes: T tokens of all texts, H hidden size.
public final class PackedDecoder {
    /// The parts of one layer.
    public struct Layer {
        let norms: [RMSNorm]
        /// Queries, keys, values, the attention's output, gate, up, down.
        let linears: [Linear]
        let attention: CausalAttention
        let activation: Activation
        let rotation: RotaryTable

        /// - Parameters:
        ///   - norms: Of the input, and of the feed-forward network's input.
        ///   - linears: Queries, keys, values, the attention's output, gate, up, down.
        ///   - attention: The heads, their scale and window.
        ///   - activation: Of the gate.
        ///   - rotation: The tables of positions.
        public init(
            norms: [RMSNorm], linears: [Linear], attention: CausalAttention, activation: Activation,
            rotation: RotaryTable
        ) {
            (self.norms, self.linears, self.attention) = (norms, linears, attention)
            (self.activation, self.rotation) = (activation, rotation)
        }

        /// In the order in which the C interface takes them.
        fileprivate var parameters: [Tensor?] {
            var all: [Tensor?] = [norms[0].weight]
            all += linears[..<3].map(\.weight)
            all += linears[..<3].map(\.bias)
            all += [linears[3].weight, norms[1].weight]
            all += linears[4...].map(\.weight)
            return all
        }

        /// True if only queries, keys and values have biases, all or none of them, and no weight is quantized or observed.
        fileprivate var isPlain: Bool {
            let biased = linears[..<3].count { $0.bias != nil }
            return linears.allSatisfy(\.isPlain) && linears[3...].allSatisfy { $0.bias == nil }
                && (biased == 0 || biased == 3) && attention.headSize % 2 == 0
        }
    }

    private let layers: [Layer]
    private let parameters: [Tensor?]
    private let lastNorm: RMSNorm
    private let activation: Int32
    private let emulatesGraphs: Bool
    private var handles: [DType: ct_decoder] = [:]

    /// - Parameters:
    ///   - layers: In the order in which they run; their norms, heads, activations and rotations must be alike.
    ///   - lastNorm: The norm after the last layer.
    /// - Returns: `nil` where the layers are of a form that this does not compute, or the program has no kernels for the device.
    public convenience init?(_ layers: [Layer], lastNorm: RMSNorm) {
        self.init(layers, lastNorm: lastNorm, emulatesGraphs: false)
    }

    /// - Parameter emulatesGraphs: True to run the code of captured graphs without them, on any device.
    package init?(_ layers: [Layer], lastNorm: RMSNorm, emulatesGraphs: Bool) {
        guard let first = layers.first, let code = PackedEncoderLayer.code(first.activation),
            ct_has_decoder_kernels(lastNorm.weight.handle)
        else { return nil }
        let norms = layers.flatMap(\.norms) + [lastNorm]
        guard layers.allSatisfy(\.isPlain),
            norms.allSatisfy({ $0.epsilon == lastNorm.epsilon && $0.offset == lastNorm.offset }),
            layers.allSatisfy({ layer in
                let (own, other) = (layer.attention, first.attention)
                return layer.rotation === first.rotation && layer.activation == first.activation
                    && own.heads == other.heads && own.keyValueHeads == other.keyValueHeads
                    && own.headSize == other.headSize && own.scale == other.scale
                    && (layer.linears[0].bias == nil) == (first.linears[0].bias == nil)
            })
        else { return nil }
        self.layers = layers
        self.lastNorm = lastNorm
        self.emulatesGraphs = emulatesGraphs
        activation = code
        parameters = layers.flatMap(\.parameters) + [lastNorm.weight]
    }

    deinit { for handle in handles.values { ct_decoder_free(handle) } }

    /// Computes the last norm's output.
    ///
    /// - Parameters:
    ///   - x: (T, H) float32, the token embeddings.
    ///   - sequences: The offsets of the texts.
    ///   - dtype: The type that matrices are multiplied in.
    /// - Returns: (T, H) float32.
    /// - Throws: ``TorchError`` where shapes do not fit or memory is short.
    public func callAsFunction(_ x: Tensor, _ sequences: PackedSequences, _ dtype: DType) throws -> Tensor {
        let handle = try handle(dtype)
        var length = 64
        while length < sequences.longest { length *= 2 }
        let tables = try layers[0].rotation.tables(length: length, device: x.device)
        let positions = try sequences.tokenPositions()
        let isPadded = !ct_has_variable_length_attention(
            x.device.code, dtype == .bfloat16, Int64(layers[0].attention.headSize))
        return try sequences.withDeviceSequences(padded: isPadded) { deviceSequences in
            try withExtendedLifetime((positions, tables)) {
                try withParameters { parameters in
                    try withInt64(sequences.offsets) { offsets, _ in
                        try .make {
                            ct_decoder_run(
                                handle, parameters, x.handle, positions.handle, tables.cosine.handle,
                                tables.sine.handle, deviceSequences, offsets, $0)
                        }
                    }
                }
            }
        }
    }

    private func withParameters<Result>(_ body: (UnsafePointer<ct_tensor?>?) throws -> Result) rethrows
        -> Result
    {
        let handles: [ct_tensor?] = parameters.map { $0?.handle }
        return try withExtendedLifetime(parameters) {
            try handles.withUnsafeBufferPointer { try body($0.baseAddress) }
        }
    }

    private func handle(_ dtype: DType) throws -> ct_decoder {
        if let made = handles[dtype] { return made }
        let attention = layers[0].attention
        let options = ct_decoder_options(
            hidden: Int64(lastNorm.weight.count), heads: Int64(attention.heads),
            key_value_heads: Int64(attention.keyValueHeads), head_width: Int64(attention.headSize),
            activation: activation, scale: attention.scale, epsilon: lastNorm.epsilon,
            norm_offset: lastNorm.offset, bfloat16: dtype == .bfloat16)
        var out: ct_decoder?
        try withParameters { parameters in
            try withInt64(layers.map { $0.attention.window ?? 0 }) { windows, count in
                try check(ct_decoder_make(parameters, options, windows, count, emulatesGraphs, &out))
            }
        }
        guard let out else { throw TorchError(kind: .internal, "an operation returned no decoder") }
        handles[dtype] = out
        return out
    }
}
