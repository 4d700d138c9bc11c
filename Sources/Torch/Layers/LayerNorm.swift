/// Layer normalisation over the last dimension (Ba et al., arXiv 1607.06450), as `torch.nn.LayerNorm`.
public struct LayerNorm {
    /// (width)
    public let weight: Tensor
    /// (width)
    public let bias: Tensor
    public let epsilon: Double

    public init(_ scope: ParameterScope, width: Int, epsilon: Double) throws {
        weight = try scope.parameter("weight", shape: [width], initializer: .ones)
        bias = try scope.parameter("bias", shape: [width], initializer: .zeros)
        self.epsilon = epsilon
    }

    /// A norm of these tensors.
    init(weight: Tensor, bias: Tensor, epsilon: Double) {
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    /// (…, width) → (…, width)
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x.layerNorm(weight: weight, bias: bias, epsilon: epsilon)
    }
}
