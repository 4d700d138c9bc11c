import Torch

/// One layer of a decoder. Shapes: T tokens of all texts, H hidden size.
protocol DecoderLayer {
    /// (T, H) float32 → (T, H) float32
    func callAsFunction(_ x: Tensor, _ context: DecoderContext) throws -> Tensor

    /// Computes the queries, keys and values of its attention from a layer input (T, H), before they are rotated. Heads of keys and
    /// values are repeated for the heads of queries that they serve.
    func projections(_ x: Tensor, _ dtype: DType) throws -> AttentionProjections

    /// True if the layer is one operation for such an input, which computes itself again in the backward pass where the context says so.
    func recomputesItself(_ x: Tensor, _ context: DecoderContext) -> Bool

    /// The layer as ``PackedDecoder`` takes it; `nil` if that does not compute layers of its form.
    var packed: PackedDecoder.Layer? { get }
}

extension DecoderLayer {
    func recomputesItself(_ x: Tensor, _ context: DecoderContext) -> Bool { false }
}
