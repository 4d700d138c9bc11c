import Architectures
import CKernels

/// A layer that normalizes before each part, with rotary position embeddings and a gated feed-forward network, as ModernBERT's (Warner
/// et al., arXiv 2412.13663), with its weights packed.
final class PreNormLayer: EncoderLayer, @unchecked Sendable {
    private let kernel: ck_prenorm_layer
    private let hidden: Int
    private let norms: [Norm]
    private let linears: [PackedLinear]
    private let rotary: RotaryTable

    /// - Parameters:
    ///   - store: The checkpoint.
    ///   - configuration: Sizes and names.
    ///   - settings: What only this family has.
    ///   - index: The layer's index.
    ///   - rotary: The rotations of its positions.
    ///   - usesBFloat16: True to multiply in bfloat16 where no weight is int8.
    /// - Throws: ``RuntimeError`` for a tensor that is missing or does not fit, and an activation that the kernels do not have.
    init(
        _ store: WeightStore, _ configuration: ModelConfiguration, _ settings: ModernBertSettings, index: Int,
        _ rotary: RotaryTable, usesBFloat16: Bool
    ) throws {
        typealias Names = ModernBertNames
        let path = configuration.family.layout.layers(index)
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        hidden = width
        self.rotary = rotary
        func norm(_ name: String) throws -> Norm {
            try Norm(store, "\(path).\(name)", width: width, hasBias: settings.normBias)
        }
        let attentionNorm = index == 0 ? nil : try norm(Names.attentionNorm)
        let feedForwardNorm = try norm(Names.feedForwardNorm)
        norms = [attentionNorm, feedForwardNorm].compactMap(\.self)
        let parts = try [
            LinearPart.parts(
                store, "\(path).\(Names.queryKeyValue)", 3, inputs: width, outputs: width,
                settings.attentionBias),
            LinearPart.parts(
                store, "\(path).\(Names.attentionOutput)", 1, inputs: width, outputs: width,
                settings.attentionBias),
            LinearPart.parts(
                store, "\(path).\(Names.input)", 2, inputs: width, outputs: inner, settings.feedForwardBias),
            LinearPart.parts(
                store, "\(path).\(Names.output)", 1, inputs: inner, outputs: width, settings.feedForwardBias),
        ].flatMap(\.self)
        let isMixed = parts.contains { if case .int8 = $0.weight { true } else { false } }
        let rounds = usesBFloat16 && !isMixed
        let packed = try parts.map {
            try PackedLinear(
                $0.weight, bias: $0.bias, inputs: $0.inputs, outputs: $0.outputs, usesBFloat16: rounds)
        }
        linears = packed
        var kernel = ck_prenorm_layer()
        (kernel.hidden, kernel.intermediate) = (Int64(width), Int64(inner))
        kernel.heads = Int64(configuration.numAttentionHeads)
        kernel.activation = try configuration.hiddenAct.layerCode(store)
        kernel.epsilon = Float(configuration.layerNormEps)
        if let attentionNorm { kernel.attention_norm = attentionNorm.kernel }
        kernel.feed_forward_norm = feedForwardNorm.kernel
        kernel.window = Int64(settings.windows[index] ?? -1)
        (kernel.cosine, kernel.sine) = (rotary.cosine, rotary.sine)
        kernel.bfloat16 = rounds
        (kernel.query, kernel.key, kernel.value) = (packed[0].kernel, packed[1].kernel, packed[2].kernel)
        kernel.output = packed[3].kernel
        (kernel.gate, kernel.up, kernel.down) = (packed[4].kernel, packed[5].kernel, packed[6].kernel)
        self.kernel = kernel
    }

    func callAsFunction(_ input: AlignedBuffer<Float>, _ texts: PackedTexts, firstOnly: Bool) throws
        -> AlignedBuffer<Float>
    {
        try output(of: input, texts, firstOnly: firstOnly, width: hidden) { sequences, output in
            withUnsafePointer(to: kernel) {
                ck_prenorm_layer_forward($0, sequences, firstOnly, input.pointer, output)
            }
        }
    }
}

/// Some outputs of a linear layer.
private struct LinearPart {
    let weight: StoredMatrix
    let bias: StoredValues
    let inputs: Int
    let outputs: Int

    /// Reads a linear layer whose outputs are several layers' one after another, as one for each.
    static func parts(
        _ store: WeightStore, _ name: String, _ count: Int, inputs: Int, outputs: Int, _ hasBias: Bool
    ) throws -> [LinearPart] {
        let weight = try store.matrix(name + ".weight", rows: count * outputs, columns: inputs)
        let bias =
            hasBias
            ? try store.values(name + ".bias", shape: [count * outputs])
            : try StoredValues(zeros: count * outputs)
        return (0..<count).map {
            LinearPart(
                weight: weight.dropping($0 * outputs, columns: inputs), bias: bias.dropping($0 * outputs),
                inputs: inputs, outputs: outputs)
        }
    }
}
