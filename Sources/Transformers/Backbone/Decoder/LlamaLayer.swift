import Architectures
import Torch

/// Llama's layer and those of families that follow it: attention, then a gated feed-forward network (Shazeer, arXiv 2002.05202),
/// each with normalization before it, and Gemma's after it too.
///
/// Shapes: T tokens of all texts, H hidden size, N heads of queries, K heads of keys and values, D head size, I intermediate size.
struct LlamaLayer: DecoderLayer {
    private let inputNorm: DecoderNorm
    private let query: Linear
    private let key: Linear
    private let value: Linear
    private let attentionOutput: Linear
    private let queryNorm: DecoderNorm?
    private let keyNorm: DecoderNorm?
    private let attention: DecoderAttention
    /// The norm of the attention's output; `nil` where there is none.
    private let attentionOutputNorm: DecoderNorm?
    private let feedForwardNorm: DecoderNorm
    private let gate: Linear
    private let up: Linear
    private let down: Linear
    /// The norm of the feed-forward network's output; `nil` where there is none.
    private let feedForwardOutputNorm: DecoderNorm?
    private let activation: Activation
    /// The layer as one operation; `nil` where it has weights that the kernels do not multiply by.
    private let kernel: PackedDecoderLayer?

    init(
        _ root: ParameterScope, _ configuration: ModelConfiguration, _ settings: DecoderSettings, index: Int,
        _ rotation: RotaryTable?
    ) throws {
        typealias Names = DecoderNames
        let scope = root[configuration.family.layout.layers(index)]
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        let heads = configuration.numAttentionHeads * settings.headSize
        let keyValueHeads = settings.keyValueHeads * settings.headSize
        func norm(_ name: String, _ width: Int) throws -> DecoderNorm {
            try DecoderNorm(scope[name], settings.norm, width: width, epsilon: configuration.layerNormEps)
        }
        func linear(_ name: String, _ inputs: Int, _ outputs: Int, _ bias: Bool) throws -> Linear {
            try Linear(
                scope[name], inputs: inputs, outputs: outputs, bias: bias,
                initializer: configuration.initializer)
        }
        let bias = settings.hasQueryKeyValueBias
        inputNorm = try norm(Names.inputNorm, width)
        query = try linear(Names.query, width, heads, bias)
        key = try linear(Names.key, width, keyValueHeads, bias)
        value = try linear(Names.value, width, keyValueHeads, bias)
        attentionOutput = try linear(Names.attentionOutput, heads, width, settings.hasAttentionOutputBias)
        queryNorm = settings.normalizesQueriesAndKeys ? try norm(Names.queryNorm, settings.headSize) : nil
        keyNorm = settings.normalizesQueriesAndKeys ? try norm(Names.keyNorm, settings.headSize) : nil
        attention = DecoderAttention(configuration, settings, index: index, rotation)
        attentionOutputNorm = settings.normalizesOutputs ? try norm(Names.postAttentionNorm, width) : nil
        feedForwardNorm = try norm(
            settings.normalizesOutputs ? Names.feedForwardNorm : Names.postAttentionNorm, width)
        gate = try linear(Names.gate, width, inner, settings.hasFeedForwardBias)
        up = try linear(Names.up, width, inner, settings.hasFeedForwardBias)
        down = try linear(Names.down, inner, width, settings.hasFeedForwardBias)
        feedForwardOutputNorm = settings.normalizesOutputs ? try norm(Names.postFeedForwardNorm, width) : nil
        activation = Activation(configuration.hiddenAct)
        kernel = PackedDecoderLayer(
            linears: [query, key, value, attentionOutput, gate, up, down],
            norms: PackedDecoderLayer.Norms(
                input: inputNorm.rootMeanSquare, feedForward: feedForwardNorm.rootMeanSquare,
                attentionOutput: attentionOutputNorm?.rootMeanSquare,
                feedForwardOutput: feedForwardOutputNorm?.rootMeanSquare, query: queryNorm?.rootMeanSquare,
                key: keyNorm?.rootMeanSquare),
            attention: attention.attention, activation: activation, rotation: rotation)
    }

    func callAsFunction(_ x: Tensor, _ context: DecoderContext) throws -> Tensor {
        if let kernel, kernel.suits(x, context.dtype), !attention.drops(context) {
            return try kernel(
                x, context.sequences, context.dtype, caches: attention.caches(context),
                recomputes: context.recomputes)
        }
        let (query, key, value) = try parts(x, context.dtype)
        var attended = try attentionOutput.tokens(
            attention(query, key, value, context, queryNorm: queryNorm, keyNorm: keyNorm))
        if let attentionOutputNorm { attended = try attentionOutputNorm(attended.to(.float32)) }
        let middle = try x + attended
        let normalized = try feedForwardNorm(middle, context.dtype)
        let inner = try Linear.tokens(normalized, [gate, up])
        var output = try down.tokens(activation.gated(inner[0], inner[1]))
        if let feedForwardOutputNorm { output = try feedForwardOutputNorm(output.to(.float32)) }
        return try middle + output
    }

    func recomputesItself(_ x: Tensor, _ context: DecoderContext) -> Bool {
        kernel?.suits(x, context.dtype) == true && !attention.drops(context)
    }

    func projections(_ x: Tensor, _ dtype: DType) throws -> AttentionProjections {
        let (query, key, value) = try parts(x, dtype)
        return try attention.projections(query: query, key: key, value: value)
    }

    /// The layer as ``PackedDecoder`` takes it; `nil` where it has norms besides the two of its inputs, or no rotation.
    var packed: PackedDecoder.Layer? {
        guard queryNorm == nil, keyNorm == nil, attentionOutputNorm == nil, feedForwardOutputNorm == nil,
            let first = inputNorm.rootMeanSquare, let second = feedForwardNorm.rootMeanSquare,
            let rotation = attention.rotation
        else { return nil }
        return PackedDecoder.Layer(
            norms: [first, second], linears: [query, key, value, attentionOutput, gate, up, down],
            attention: attention.attention, activation: activation, rotation: rotation)
    }

    /// Queries (T, N · D), keys and values (T, K · D).
    private func parts(_ x: Tensor, _ dtype: DType) throws -> (Tensor, Tensor, Tensor) {
        let input = try inputNorm(x, dtype)
        let all = try Linear.tokens(input, [query, key, value])
        return (all[0], all[1], all[2])
    }
}
