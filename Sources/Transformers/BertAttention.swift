import Torch

/// Multi-head self-attention (Vaswani et al., arXiv 1706.03762) with its output projection, residual and
/// normalisation.
///
/// Shapes: B batch, L length, H hidden size, N heads, D = H / N.
struct BertAttention {
    let query: Linear
    let key: Linear
    let value: Linear
    let output: Linear
    let norm: LayerNorm
    let heads: Int
    let probabilityDropout: Dropout
    private let outputDropout: Dropout

    init(_ scope: ParameterScope, _ configuration: BertConfiguration) throws {
        let width = configuration.hiddenSize
        func linear(_ scope: ParameterScope) throws -> Linear {
            try Linear(
                scope, inputs: width, outputs: width,
                initializer: .normal(standardDeviation: configuration.initializerRange))
        }
        query = try linear(scope["self"]["query"])
        key = try linear(scope["self"]["key"])
        value = try linear(scope["self"]["value"])
        output = try linear(scope["output"]["dense"])
        norm = try LayerNorm(scope["output"]["LayerNorm"], width: width, epsilon: configuration.layerNormEps)
        heads = configuration.numAttentionHeads
        probabilityDropout = Dropout(configuration.attentionProbsDropoutProb)
        outputDropout = Dropout(configuration.hiddenDropoutProb)
    }

    /// - Parameters:
    ///   - x: (B, L, H)
    ///   - mask: (B, 1, 1, L), added to the scores; of type `dtype`.
    ///   - dtype: What matrices are multiplied in. The residual stream and its normalisation keep the type of `x`:
    ///     what a layer adds to it is small at first, and would be lost in bfloat16's 8 bits.
    ///   - needsProbabilities: Whether the caller wants the attention probabilities.
    /// - Returns: (B, L, H), and the probabilities before dropout, (B, N, L, L), where they are wanted.
    func callAsFunction(
        _ x: Tensor, mask: Tensor, _ dtype: DType, _ state: DropoutState?, needsProbabilities: Bool
    ) throws -> (output: Tensor, probabilities: Tensor?) {
        let shape = x.shape
        let headSize = shape[2] / heads
        func split(_ y: Tensor) throws -> Tensor {
            try y.reshaped([shape[0], shape[1], heads, headSize]).transposed(1, 2)
        }
        let input = try x.to(dtype)
        let (q, k, v) = (try split(query(input)), try split(key(input)), try split(value(input)))

        let context: Tensor
        var probabilities: Tensor?
        if needsProbabilities || (state != nil && probabilityDropout.probability > 0) {
            let scores = try (q * (1 / Double(headSize).squareRoot())).matmul(k.transposed()) + mask
            let weights = try scores.softmax()
            if needsProbabilities { probabilities = weights }
            context = try probabilityDropout(weights, state).matmul(v)
        } else {
            // The fused kernel never has all probabilities in memory.
            context = try Tensor.attention(query: q, key: k, value: v, mask: mask)
        }
        let joined = try context.transposed(1, 2).reshaped(shape)
        return (try norm(outputDropout(output(joined), state) + x), probabilities)
    }
}
