/// Layer normalization over the last dimension (Ba et al., arXiv 1607.06450), as `torch.nn.LayerNorm`.
public struct LayerNorm {
    /// (width)
    public let weight: Tensor
    /// (width)
    public let bias: Tensor
    public let epsilon: Double

    /// - Parameters:
    ///   - scope: The scope of its parameters.
    ///   - width: The size of the last dimension.
    ///   - epsilon: Added to the variance.
    ///   - bias: True if it has one; otherwise ``bias`` is zeros that are not a parameter.
    /// - Throws: ``TorchError`` where memory is short, or what the source of parameters throws.
    public init(_ scope: ParameterScope, width: Int, epsilon: Double, bias: Bool = true) throws {
        weight = try scope.parameter("weight", shape: [width], initializer: .ones)
        self.bias =
            try bias
            ? scope.parameter("bias", shape: [width], initializer: .zeros)
            : .zeros([width], device: scope.device)
        self.epsilon = epsilon
    }

    /// A norm of these tensors.
    init(weight: Tensor, bias: Tensor, epsilon: Double) {
        self.weight = weight
        self.bias = bias
        self.epsilon = epsilon
    }

    /// A norm without gain and bias, which are no parameters.
    public init(width: Int, epsilon: Double, device: Device = .cpu) throws {
        self.init(
            weight: try .ones([width], device: device), bias: try .zeros([width], device: device),
            epsilon: epsilon)
    }

    /// (…, width) → (…, width)
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x.layerNorm(weight: weight, bias: bias, epsilon: epsilon)
    }
}
