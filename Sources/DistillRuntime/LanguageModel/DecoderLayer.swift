import Architectures
import CKernels

/// One layer of a decoder with its weights packed.
///
/// Shapes: T tokens of all texts, H hidden size, N heads of queries, K heads of keys and values, D head size, I intermediate size.
final class DecoderLayer: @unchecked Sendable {
    private let kernel: ck_decoder_layer
    private let linears: [DecoderLinear]
    private let norms: [Norm]
    private let rotary: RotaryCache?

    /// - Parameters:
    ///   - store: The checkpoint.
    ///   - configuration: Sizes and names.
    ///   - settings: What decoders differ in.
    ///   - index: The layer's number.
    ///   - rotary: The rotations of its positions; `nil` where positions have a table.
    ///   - precision: The form in which weights of floating point are multiplied.
    /// - Throws: ``RuntimeError`` for a tensor that is missing or does not fit, and an activation that the kernels do not have.
    init(
        _ store: WeightStore, _ configuration: ModelConfiguration, _ settings: DecoderSettings, index: Int,
        _ rotary: RotaryCache?, _ precision: DecoderPrecision
    ) throws {
        let path = configuration.family.layout.layers(index)
        let names = settings.norm == .layer ? DecoderLayerNames.gpt2 : .llama(settings)
        let parts = try names.linears(configuration, settings).map { part in
            try DecoderLinear(
                store, "\(path).\(part.name)", part.place, hasBias: part.hasBias, precision)
        }
        func norm(_ name: String?, _ width: Int) throws -> Norm? {
            try name.map {
                try Norm(store, "\(path).\($0)", width: width, hasBias: settings.norm == .layer)
            }
        }
        let width = configuration.hiddenSize
        let norms = try [
            norm(names.inputNorm, width), norm(names.innerNorm, width), norm(names.attentionNorm, width),
            norm(names.outerNorm, width), norm(names.queryNorm, settings.headSize),
            norm(names.keyNorm, settings.headSize),
        ]
        var kernel = ck_decoder_layer()
        (kernel.hidden, kernel.intermediate) = (Int64(width), Int64(configuration.intermediateSize))
        (kernel.heads, kernel.key_value_heads) = (
            Int64(configuration.numAttentionHeads), Int64(settings.keyValueHeads)
        )
        (kernel.width, kernel.window) = (Int64(settings.headSize), Int64(settings.windows[index] ?? 0))
        kernel.activation = try configuration.hiddenAct.layerCode(store)
        kernel.epsilon = Float(configuration.layerNormEps)
        kernel.offset = settings.norm == .rootMeanSquarePlusOne ? 1 : 0
        kernel.scale = Float(settings.attentionScales[index])
        (kernel.bfloat16, kernel.has_layer_norms) = (precision.usesBFloat16, settings.norm == .layer)
        let none = ck_norm()
        (kernel.input_norm, kernel.inner_norm) = (norms[0]?.kernel ?? none, norms[1]?.kernel ?? none)
        (kernel.attention_norm, kernel.outer_norm) = (norms[2]?.kernel ?? none, norms[3]?.kernel ?? none)
        (kernel.query_norm, kernel.key_norm) = (norms[4]?.kernel ?? none, norms[5]?.kernel ?? none)
        (kernel.query, kernel.key, kernel.value) = (parts[0].kernel, parts[1].kernel, parts[2].kernel)
        (kernel.output, kernel.gate, kernel.down) = (parts[3].kernel, parts[4].kernel, parts[5].kernel)
        kernel.up = parts.count > 6 ? parts[6].kernel : ck_linear()
        self.kernel = kernel
        (linears, self.norms, self.rotary) = (parts, norms.compactMap(\.self), rotary)
    }

    /// Computes (T, H) from (T, H), and adds keys and values to caches.
    ///
    /// - Parameters:
    ///   - input: (T, H).
    ///   - output: (T, H).
    ///   - sequences: The tokens after those that the caches hold.
    ///   - caches: Each text's words of this layer.
    ///   - longest: The most tokens that a text then has.
    /// - Throws: ``RuntimeError`` where there is no memory.
    func callAsFunction(
        _ input: AlignedBuffer<Float>, to output: AlignedBuffer<Float>, _ sequences: ck_sequences,
        _ caches: [ck_cache], longest: Int
    ) throws {
        let tables = try rotary?.tables(longest)
        try withExtendedLifetime((self, tables, input, output)) {
            try withUnsafePointer(to: kernel) { kernel in
                try require(
                    ck_decoder_layer_forward(
                        kernel, tables.map { UnsafePointer($0.cosine.pointer) },
                        tables.map { UnsafePointer($0.sine.pointer) }, sequences, caches, input.pointer,
                        output.pointer))
            }
        }
    }
}
