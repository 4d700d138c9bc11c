import Architectures
import CKernels

/// A layer that normalizes after each residual, as BERT's (Vaswani et al., arXiv 1706.03762), with its weights packed.
final class PostNormLayer: EncoderLayer, @unchecked Sendable {
    private let kernel: ck_layer
    private let hidden: Int
    private let norms: [Norm]
    /// What the kernel's pointers lead to.
    private let owners: [AnyObject]
    private let biases: [StoredValues]
    private let positions: RelativePositions?

    /// - Parameters:
    ///   - store: The checkpoint.
    ///   - path: The layer's path in it.
    ///   - configuration: Sizes and names.
    ///   - positions: What the distances of tokens add to attention scores.
    ///   - usesBFloat16: True to multiply in bfloat16 where no weight is int8.
    /// - Throws: ``RuntimeError`` for a tensor that is missing or does not fit, and an activation that the kernels do not have.
    init(
        _ store: WeightStore, path: String, _ configuration: ModelConfiguration,
        positions: RelativePositions? = nil, usesBFloat16: Bool
    ) throws {
        let names = try configuration.family.postNormLayer()
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        hidden = width
        self.positions = positions
        var kernel = ck_layer()
        if let positions { (kernel.positions, kernel.score_scale) = (positions.kernel, positions.scale) }
        (kernel.hidden, kernel.intermediate) = (Int64(width), Int64(inner))
        kernel.heads = Int64(configuration.numAttentionHeads)
        kernel.epsilon = Float(configuration.layerNormEps)
        kernel.activation = try configuration.hiddenAct.layerCode(store)
        let attentionNorm = try Norm(store, "\(path).\(names.attentionNorm)", width: width)
        let outputNorm = try Norm(store, "\(path).\(names.outputNorm)", width: width)
        (kernel.attention_norm, kernel.output_norm) = (attentionNorm.kernel, outputNorm.kernel)
        norms = [attentionNorm, outputNorm]
        let linears = [
            (names.query, width, width), (names.key, width, width), (names.value, width, width),
            (names.attentionOutput, width, width), (names.intermediate, width, inner),
            (names.output, inner, width),
        ]
        let matrices = try linears.map { name, inputs, outputs in
            try store.matrix("\(path).\(name).weight", rows: outputs, columns: inputs)
        }
        let biases = try linears.map { name, _, outputs in
            try store.values("\(path).\(name).bias", shape: [outputs])
        }
        let isMixed = matrices.contains { if case .int8 = $0 { true } else { false } }
        if isMixed {
            let packed = try zip(zip(matrices, biases), linears).map {
                try PackedLinear($0.0, bias: $0.1, inputs: $1.1, outputs: $1.2)
            }
            kernel.is_mixed = true
            (kernel.query, kernel.key, kernel.value) = (packed[0].kernel, packed[1].kernel, packed[2].kernel)
            (kernel.output, kernel.inner, kernel.outer) = (
                packed[3].kernel, packed[4].kernel, packed[5].kernel
            )
            owners = packed
            self.biases = []
        } else {
            let floats = matrices.compactMap { if case .float32(let values) = $0 { values } else { nil } }
            let packed = try PackedWeights(floats, biases, width: width, inner: inner, usesBFloat16)
            packed.set(&kernel)
            owners = packed.owners
            self.biases = packed.biases
        }
        self.kernel = kernel
    }

    func callAsFunction(_ input: AlignedBuffer<Float>, _ texts: PackedTexts, firstOnly: Bool) throws
        -> AlignedBuffer<Float>
    {
        try output(of: input, texts, firstOnly: firstOnly, width: hidden) { sequences, output in
            withUnsafePointer(to: kernel) {
                ck_layer_forward($0, sequences, firstOnly, input.pointer, output)
            }
        }
    }
}

/// The weights of a layer in floating point, packed; keys' and values' as one.
private struct PackedWeights {
    private let words: [AlignedBuffer<UInt32>]
    private let keyValueBias: AlignedBuffer<Float>
    private let usesBFloat16: Bool
    let biases: [StoredValues]

    var owners: [AnyObject] { words + [keyValueBias] }

    /// - Parameters:
    ///   - weights: Of queries, keys, values, attention's output, the feed-forward network's two.
    ///   - biases: Theirs.
    init(_ weights: [StoredValues], _ biases: [StoredValues], width: Int, inner: Int, _ usesBFloat16: Bool)
        throws
    {
        self.usesBFloat16 = usesBFloat16
        self.biases = biases
        func pack(_ weight: StoredValues, _ outputs: Int, _ inputs: Int) throws -> AlignedBuffer<
            UInt32
        > {
            let words = try AlignedBuffer<UInt32>(
                count: Int(ck_packed_words(usesBFloat16, Int64(outputs), Int64(inputs))))
            // The compiler may release what a pointer was read from after its last use by name.
            try withExtendedLifetime(weight) {
                try require(
                    ck_pack(usesBFloat16, weight.pointer, Int64(outputs), Int64(inputs), words.pointer))
            }
            return words
        }
        func joined(_ a: StoredValues, _ b: StoredValues) throws -> AlignedBuffer<Float> {
            let both = try AlignedBuffer<Float>(count: a.count + b.count)
            withExtendedLifetime((a, b)) {
                both.pointer.update(from: a.pointer, count: a.count)
                (both.pointer + a.count).update(from: b.pointer, count: b.count)
            }
            return both
        }
        keyValueBias = try joined(biases[1], biases[2])
        let keyValue = try joined(weights[1], weights[2])
        words = [
            try pack(weights[0], width, width), try pack(StoredValues(keyValue), 2 * width, width),
            try pack(weights[3], width, width), try pack(weights[4], inner, width),
            try pack(weights[5], width, inner),
        ]
    }

    func set(_ kernel: inout ck_layer) {
        kernel.bfloat16 = usesBFloat16
        let pointers = words.map { UnsafePointer($0.pointer) }
        (kernel.query_words, kernel.key_value_words, kernel.output_words) = (
            pointers[0], pointers[1], pointers[2]
        )
        (kernel.inner_words, kernel.outer_words) = (pointers[3], pointers[4])
        kernel.query_bias = biases[0].pointer
        kernel.key_value_bias = UnsafePointer(keyValueBias.pointer)
        kernel.output_bias = biases[3].pointer
        kernel.inner_bias = biases[4].pointer
        kernel.outer_bias = biases[5].pointer
    }
}
