import Torch

/// One layer of an encoder. Shapes: B batch, L length, H hidden size, N heads, T tokens of all examples.
protocol EncoderLayer {
    /// (B, L, H) → (B, L, H), and the attention probabilities before dropout, (B, N, L, L), where they are wanted.
    func callAsFunction(_ x: Tensor, _ context: LayerContext) throws -> (
        output: Tensor, probabilities: Tensor?
    )

    /// Computes the queries, keys and values of its attention from a layer input (T, H).
    ///
    /// They are computed a second time, apart from the layer's own forward pass, which keeps none of them: a
    /// small part of a layer's cost, and only for the layers that an objective compares.
    func projections(_ x: Tensor, _ dtype: DType) throws -> AttentionProjections

    /// The same layer for packed sequences, with the same parameters, where the kernels can compute it.
    var packed: PackedEncoderLayer? { get }

    /// The same layer for packed sequences and inference, where weights are int8.
    func mixed() throws -> PackedMixedLayer?
}

extension EncoderLayer {
    var packed: PackedEncoderLayer? { nil }
    func mixed() throws -> PackedMixedLayer? { nil }
}
