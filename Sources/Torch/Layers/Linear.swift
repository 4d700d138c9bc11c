/// `x · weightᵀ + bias`, as `torch.nn.Linear`.
public struct Linear {
    /// (outputs, inputs)
    public let weight: Tensor
    /// (outputs)
    public let bias: Tensor?
    private let computeWeight: ComputeCopy
    private let computeBias: ComputeCopy?

    public init(
        _ scope: ParameterScope, inputs: Int, outputs: Int, bias: Bool = true,
        initializer: ParameterInitializer
    ) throws {
        weight = try scope.parameter("weight", shape: [outputs, inputs], initializer: initializer)
        self.bias = bias ? try scope.parameter("bias", shape: [outputs], initializer: .zeros) : nil
        computeWeight = ComputeCopy(weight)
        computeBias = self.bias.map(ComputeCopy.init)
    }

    /// A layer of these tensors.
    init(weight: Tensor, bias: Tensor?) {
        self.weight = weight
        self.bias = bias
        computeWeight = ComputeCopy(weight)
        computeBias = bias.map(ComputeCopy.init)
    }

    /// (…, inputs) → (…, outputs), in the input's type.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let dtype = x.dtype
        return try x.linear(computeWeight(dtype), bias: computeBias?(dtype))
    }
}
