import Torch

/// Self-attention up to its output projection.
///
/// Shapes: B batch, L length, H hidden size, N heads, D = H / N.
protocol SelfAttention {
    var query: Linear { get }
    var key: Linear { get }
    var value: Linear { get }
    var heads: Int { get }

    /// (B, L, H) of type `context.dtype` → the joined heads, (B, L, H), and the probabilities before dropout,
    /// (B, N, L, L), where they are wanted.
    func callAsFunction(_ x: Tensor, _ context: LayerContext) throws -> (
        output: Tensor, probabilities: Tensor?
    )
}

extension SelfAttention {
    /// (B, L, H) → (B, N, L, D)
    func split(_ x: Tensor) throws -> Tensor {
        let shape = x.shape
        return try x.reshaped([shape[0], shape[1], heads, shape[2] / heads]).transposed(1, 2)
    }

    /// (B, N, L, D) → (B, L, H)
    func joined(_ x: Tensor) throws -> Tensor {
        let shape = x.shape
        return try x.transposed(1, 2).reshaped([shape[0], shape[2], shape[1] * shape[3]])
    }

    func projections(_ x: Tensor, _ dtype: DType) throws -> AttentionProjections {
        let input = try x.to(dtype)
        return AttentionProjections(
            query: try query(input).to(.float32), key: try key(input).to(.float32),
            value: try value(input).to(.float32), heads: heads)
    }
}
