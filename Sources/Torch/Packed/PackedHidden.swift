/// A hidden state of packed sequences: T tokens of all examples, H hidden size.
public struct PackedHidden {
    /// (T, H) float32: the residual stream.
    public let wide: Tensor
    /// The same in the type that matrices are multiplied in, where that is another and it was computed beside; both then
    /// carry gradients.
    let typed: Tensor?

    public init(_ wide: Tensor) { self.init(wide: wide, typed: nil) }

    init(wide: Tensor, typed: Tensor?) {
        self.wide = wide
        self.typed = typed
    }
}
