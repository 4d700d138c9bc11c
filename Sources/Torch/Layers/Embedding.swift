/// A table of vectors looked up by index, as `torch.nn.Embedding`.
public struct Embedding {
    /// (count, width)
    public let weight: Tensor
    /// The row that never gets a gradient.
    public let paddingIndex: Int?

    public init(
        _ scope: ParameterScope, count: Int, width: Int, paddingIndex: Int? = nil,
        initializer: ParameterInitializer
    ) throws {
        weight = try scope.parameter("weight", shape: [count, width], initializer: initializer)
        self.paddingIndex = paddingIndex
    }

    /// Integers (…) → (…, width)
    public func callAsFunction(_ indices: Tensor) throws -> Tensor {
        try weight.embedding(indices, paddingIndex: paddingIndex)
    }
}
