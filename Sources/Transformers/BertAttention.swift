import Torch

/// Multi-head self-attention with its output projection, residual and normalisation.
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
    let outputDropout: Dropout

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
    ///   - mask: (B, 1, 1, L), added to the scores; `nil` where nothing is padding.
    ///   - probabilities: Gets the attention probabilities (B, N, L, L); `nil` where nobody wants them, which
    ///     allows the fused kernel in evaluation.
    func callAsFunction(
        _ x: Tensor, mask: Tensor?, _ state: DropoutState?, probabilities: ((Tensor) -> Void)?
    ) throws -> Tensor {
        let shape = x.shape
        func split(_ y: Tensor) throws -> Tensor {
            try y.reshaped([shape[0], shape[1], heads, shape[2] / heads]).transposed(1, 2)
        }
        let (q, k, v) = (try split(query(x)), try split(key(x)), try split(value(x)))
        let context: Tensor
        if probabilities == nil, state == nil || probabilityDropout.probability == 0 {
            context = try Tensor.attention(query: q, key: k, value: v, mask: mask)
        } else {
            let scale = 1 / Double(shape[2] / heads).squareRoot()
            var scores = try (q * scale).matmul(k.transposed(-2, -1))
            if let mask { scores = try scores + mask }
            let weights = try scores.softmax()
            probabilities?(weights)
            context = try probabilityDropout(weights, state).matmul(v)
        }
        let joined = try context.transposed(1, 2).reshaped(shape)
        return try norm(outputDropout(output(joined), state) + x)
    }
}
