import Torch

/// A post-norm transformer layer like BERT's: attention, then a feed-forward network, each followed by a
/// residual connection and normalization.
struct PostNormLayer: EncoderLayer {
    let attention: any SelfAttention
    let attentionOutput: Linear
    let attentionNorm: LayerNorm
    private let hiddenDropout: Dropout
    let intermediate: Linear
    let activation: Activation
    let output: Linear
    let outputNorm: LayerNorm
    private let outputDropout: Dropout

    /// Makes a layer with dot-product attention.
    ///
    /// - Parameters:
    ///   - root: The root of the parameters; the family names the layer's.
    ///   - configuration: Its sizes, activation and dropout.
    ///   - index: The index of the layer, or of a group of layers that share their parameters.
    ///   - positionBias: The bias that is added to its scores.
    ///   - hiddenDropout: The dropout probability after attention, in training; `nil` for the
    ///     configuration's.
    ///   - outputDropout: The dropout probability after the feed-forward network; `nil` for the
    ///     configuration's.
    init(
        _ root: ParameterScope, _ configuration: ModelConfiguration, index: Int,
        positionBias: RelativePositionBias? = nil, hiddenDropout: Double? = nil, outputDropout: Double? = nil
    ) throws {
        let names = try configuration.family.postNormLayer()
        try self.init(
            root, configuration, index: index, hiddenDropout: hiddenDropout, outputDropout: outputDropout
        ) { scope in
            func linear(_ name: String) throws -> Linear {
                try Linear(
                    scope[name], inputs: configuration.hiddenSize, outputs: configuration.hiddenSize,
                    initializer: configuration.initializer)
            }
            return DotProductAttention(
                query: try linear(names.query), key: try linear(names.key), value: try linear(names.value),
                heads: configuration.numAttentionHeads,
                dropout: Dropout(configuration.attentionProbsDropoutProb), positionBias: positionBias)
        }
    }

    /// Makes a layer with any attention.
    ///
    /// - Parameter attention: Makes the attention, given the layer's scope.
    init(
        _ root: ParameterScope, _ configuration: ModelConfiguration, index: Int,
        hiddenDropout: Double? = nil, outputDropout: Double? = nil,
        attention: (ParameterScope) throws -> any SelfAttention
    ) throws {
        let scope = root[configuration.family.layout.layers(index)]
        let names = try configuration.family.postNormLayer()
        let initializer = configuration.initializer
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        self.attention = try attention(scope)
        attentionOutput = try Linear(
            scope[names.attentionOutput], inputs: width, outputs: width, initializer: initializer)
        attentionNorm = try LayerNorm(
            scope[names.attentionNorm], width: width, epsilon: configuration.layerNormEps)
        intermediate = try Linear(
            scope[names.intermediate], inputs: width, outputs: inner, initializer: initializer)
        activation = Activation(configuration.hiddenAct)
        output = try Linear(scope[names.output], inputs: inner, outputs: width, initializer: initializer)
        outputNorm = try LayerNorm(scope[names.outputNorm], width: width, epsilon: configuration.layerNormEps)
        self.hiddenDropout = Dropout(hiddenDropout ?? configuration.hiddenDropoutProb)
        self.outputDropout = Dropout(outputDropout ?? configuration.hiddenDropoutProb)
    }

    func callAsFunction(_ x: Tensor, _ context: LayerContext) throws -> (
        output: Tensor, probabilities: Tensor?
    ) {
        let (joined, probabilities) = try attention(x.to(context.dtype), context)
        let attended = try attentionNorm(hiddenDropout(attentionOutput(joined), context.dropout) + x)
        let inner = try activation(intermediate(attended.to(context.dtype)))
        return (try outputNorm(outputDropout(output(inner), context.dropout) + attended), probabilities)
    }

    func projections(_ x: Tensor, _ dtype: DType) throws -> AttentionProjections {
        try attention.projections(x, dtype)
    }

    /// The attention, if it is of the kind that the kernels compute; a position bias is given to them at each call.
    private var plainAttention: DotProductAttention? { attention as? DotProductAttention }

    var packed: PackedEncoderLayer? {
        guard let plain = plainAttention else { return nil }
        return PackedEncoderLayer(
            query: plain.query, key: plain.key, value: plain.value, attentionOutput: attentionOutput,
            attentionNorm: attentionNorm, intermediate: intermediate, output: output, outputNorm: outputNorm,
            heads: plain.heads, activation: activation, hiddenDropout: hiddenDropout.probability,
            outputDropout: outputDropout.probability, attentionDropout: plain.dropout.probability)
    }

    func mixed() throws -> PackedMixedLayer? {
        guard let plain = plainAttention else { return nil }
        return try PackedMixedLayer(
            query: plain.query, key: plain.key, value: plain.value, attentionOutput: attentionOutput,
            attentionNorm: attentionNorm, intermediate: intermediate, output: output, outputNorm: outputNorm,
            heads: plain.heads, activation: activation)
    }
}
