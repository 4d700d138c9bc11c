import Torch

/// One transformer layer: attention, then a feed-forward network, each with a residual and normalised after it.
struct BertLayer {
    private let attention: BertAttention
    private let intermediate: Linear
    private let activation: Activation
    private let output: Linear
    private let norm: LayerNorm
    private let dropout: Dropout

    init(_ scope: ParameterScope, _ configuration: BertConfiguration) throws {
        let initializer = ParameterInitializer.normal(standardDeviation: configuration.initializerRange)
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        attention = try BertAttention(scope["attention"], configuration)
        intermediate = try Linear(
            scope["intermediate"]["dense"], inputs: width, outputs: inner, initializer: initializer)
        activation = configuration.hiddenAct
        output = try Linear(scope["output"]["dense"], inputs: inner, outputs: width, initializer: initializer)
        norm = try LayerNorm(scope["output"]["LayerNorm"], width: width, epsilon: configuration.layerNormEps)
        dropout = Dropout(configuration.hiddenDropoutProb)
    }

    /// The same layer for packed sequences, with the same parameters, where the kernels know its activation.
    var packed: PackedEncoderLayer? {
        PackedEncoderLayer(
            query: attention.query, key: attention.key, value: attention.value,
            attentionOutput: attention.output, attentionNorm: attention.norm, intermediate: intermediate,
            output: output, outputNorm: norm, heads: attention.heads, activation: activation,
            hiddenDropout: dropout.probability, attentionDropout: attention.probabilityDropout.probability)
    }

    /// The same layer for packed sequences and inference, where weights are int8.
    func mixed() throws -> PackedMixedLayer? {
        try PackedMixedLayer(
            query: attention.query, key: attention.key, value: attention.value,
            attentionOutput: attention.output, attentionNorm: attention.norm, intermediate: intermediate,
            output: output, outputNorm: norm, heads: attention.heads, activation: activation)
    }

    /// Parameters and results as ``BertAttention`` has them.
    func callAsFunction(
        _ x: Tensor, mask: Tensor, _ dtype: DType, _ state: DropoutState?, needsProbabilities: Bool
    ) throws -> (output: Tensor, probabilities: Tensor?) {
        let (attended, probabilities) = try attention(
            x, mask: mask, dtype, state, needsProbabilities: needsProbabilities)
        let inner = try activation(intermediate(attended.to(dtype)))
        return (try norm(dropout(output(inner), state) + attended), probabilities)
    }

    /// What its attention computes from, of a layer input (T, H).
    ///
    /// They are computed once more, beside the layer's own pass, which keeps none of them: a small part of a layer's
    /// work, and only for the layers that an objective compares.
    func projections(_ x: Tensor, _ dtype: DType) throws -> AttentionProjections {
        let input = try x.to(dtype)
        return AttentionProjections(
            query: try attention.query(input).to(.float32), key: try attention.key(input).to(.float32),
            value: try attention.value(input).to(.float32), heads: attention.heads)
    }
}
