/// `x · weightᵀ + bias`, as `torch.nn.Linear`.
public struct Linear {
    /// (outputs, inputs)
    public let weight: Tensor
    /// (outputs)
    public let bias: Tensor?

    public init(
        _ scope: ParameterScope, inputs: Int, outputs: Int, bias: Bool = true,
        initializer: ParameterInitializer
    ) throws {
        weight = try scope.parameter("weight", shape: [outputs, inputs], initializer: initializer)
        self.bias = bias ? try scope.parameter("bias", shape: [outputs], initializer: .zeros) : nil
    }

    /// (…, inputs) → (…, outputs)
    public func callAsFunction(_ x: Tensor) throws -> Tensor { try x.linear(weight, bias: bias) }
}
