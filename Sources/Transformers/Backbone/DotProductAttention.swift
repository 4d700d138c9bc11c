import Torch

/// Multi-head self-attention (Vaswani et al., arXiv 1706.03762), with an optional position bias added to the
/// scores.
struct DotProductAttention: SelfAttention {
    let query: Linear
    let key: Linear
    let value: Linear
    let heads: Int
    let dropout: Dropout
    let positionBias: RelativePositionBias?

    func callAsFunction(_ x: Tensor, _ context: LayerContext) throws -> (
        output: Tensor, probabilities: Tensor?
    ) {
        let (q, k, v) = (try split(query(x)), try split(key(x)), try split(value(x)))
        var mask = context.mask
        if let positionBias { mask = try mask + positionBias(length: x.size(1)).to(context.dtype) }
        let result = try attend(q, k, v, mask: mask, dropout, context)
        return (try joined(result.output), result.probabilities)
    }
}

/// Computes scaled dot-product attention of heads (B, N, L, D), with a mask that is added to the scores.
///
/// - Returns: (B, N, L, D), and the probabilities before dropout where they are wanted.
func attend(
    _ query: Tensor, _ key: Tensor, _ value: Tensor, mask: Tensor, _ dropout: Dropout, _ context: LayerContext
) throws -> (output: Tensor, probabilities: Tensor?) {
    guard context.needsProbabilities || (context.dropout != nil && dropout.probability > 0) else {
        // The fused kernel never has all probabilities in memory.
        return (try Tensor.attention(query: query, key: key, value: value, mask: mask), nil)
    }
    let scale = try 1 / Double(query.size(3)).squareRoot()
    let weights = try ((query * scale).matmul(key.transposed()) + mask).softmax()
    let output = try dropout(weights, context.dropout).matmul(value)
    return (output, context.needsProbabilities ? weights : nil)
}
