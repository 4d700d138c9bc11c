import Torch

/// The inputs of a layer's attention: its queries, keys and values, all heads side by side.
///
/// Shapes: T tokens of all examples, H hidden size.
public struct AttentionProjections {
    /// (T, H) float32, not divided by the root of the head size.
    public let query: Tensor
    /// (T, H) float32
    public let key: Tensor
    /// (T, H) float32
    public let value: Tensor
    /// The number of heads, H / heads columns each.
    public let heads: Int

    public init(query: Tensor, key: Tensor, value: Tensor, heads: Int) {
        self.query = query
        self.key = key
        self.value = value
        self.heads = heads
    }
}
