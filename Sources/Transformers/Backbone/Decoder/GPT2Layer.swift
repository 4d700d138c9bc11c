import Architectures
import Torch

/// GPT-2's layer: attention, then a feed-forward network, each with layer normalization before it.
///
/// Shapes: T tokens of all texts, H hidden size.
struct GPT2Layer: DecoderLayer {
    private let attentionNorm: DecoderNorm
    /// H → 3 H: queries, keys, values.
    private let queryKeyValue: TransposedLinear
    private let attentionOutput: TransposedLinear
    private let attention: DecoderAttention
    private let feedForwardNorm: DecoderNorm
    private let inner: TransposedLinear
    private let outer: TransposedLinear
    private let activation: Activation
    private let dropout: Dropout

    init(
        _ root: ParameterScope, _ configuration: ModelConfiguration, _ settings: DecoderSettings, index: Int
    ) throws {
        typealias Names = GPT2Names
        let scope = root[configuration.family.layout.layers(index)]
        let (width, hidden) = (configuration.hiddenSize, configuration.intermediateSize)
        func norm(_ name: String) throws -> DecoderNorm {
            try DecoderNorm(scope[name], settings.norm, width: width, epsilon: configuration.layerNormEps)
        }
        func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws -> TransposedLinear {
            try TransposedLinear(
                scope[name], inputs: inputs, outputs: outputs, initializer: configuration.initializer)
        }
        attentionNorm = try norm(Names.attentionNorm)
        queryKeyValue = try linear(Names.queryKeyValue, width, 3 * width)
        attentionOutput = try linear(Names.attentionOutput, width, width)
        attention = DecoderAttention(configuration, settings, index: index, nil)
        feedForwardNorm = try norm(Names.feedForwardNorm)
        inner = try linear(Names.inner, width, hidden)
        outer = try linear(Names.outer, hidden, width)
        activation = Activation(configuration.hiddenAct)
        dropout = Dropout(configuration.hiddenDropoutProb)
    }

    func callAsFunction(_ x: Tensor, _ context: DecoderContext) throws -> Tensor {
        let (query, key, value) = try parts(x, context.dtype)
        let attended = try attentionOutput(attention(query, key, value, context))
        let middle = try x + dropout(attended, context.dropout, over: .tokens)
        let output = try outer(activation.tokens(inner(feedForwardNorm(middle, context.dtype))))
        return try middle + dropout(output, context.dropout, over: .tokens)
    }

    var packed: PackedDecoder.Layer? { nil }

    func projections(_ x: Tensor, _ dtype: DType) throws -> AttentionProjections {
        let (query, key, value) = try parts(x, dtype)
        return try attention.projections(query: query, key: key, value: value)
    }

    /// Queries, keys and values, (T, H) each.
    private func parts(_ x: Tensor, _ dtype: DType) throws -> (Tensor, Tensor, Tensor) {
        let all = try queryKeyValue(attentionNorm(x, dtype))
        let width = try x.size(1)
        func part(_ index: Int) throws -> Tensor {
            try all.narrowed(dimension: 1, start: index * width, length: width)
        }
        return (try part(0), try part(1), try part(2))
    }
}
