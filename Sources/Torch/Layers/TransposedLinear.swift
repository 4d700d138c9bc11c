/// `x · weight + bias` with the weight stored as (inputs, outputs), as transformers' `Conv1D`.
public struct TransposedLinear {
    /// (inputs, outputs)
    public let weight: Tensor
    /// (outputs)
    public let bias: Tensor
    private let instrument: (any LayerHook)?
    private let name: String
    private let computeWeight: ComputeCopy
    private let computeBias: ComputeCopy
    private let packed: PackedWeight

    public init(
        _ scope: ParameterScope, inputs: Int, outputs: Int, initializer: ParameterInitializer
    ) throws {
        weight = try scope.parameter("weight", shape: [inputs, outputs], initializer: initializer)
        bias = try scope.parameter("bias", shape: [outputs], initializer: .zeros)
        (computeWeight, computeBias) = (ComputeCopy(weight), ComputeCopy(bias))
        packed = PackedWeight(weight, bias: bias, isTransposed: true)
        (instrument, name) = (scope.instrument, scope.path)
        scope.registerLinear(weight, isTransposed: true)
    }

    /// (rows, inputs) → (rows, outputs), in the input's type, by the kernels where they can compute it.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        if let instrument {
            let weight = try instrument.weight(computeWeight(x.dtype), of: name)
            let output = try instrument.input(x, of: name).linear(
                weight.transposed(0, 1), bias: computeBias(x.dtype))
            return try instrument.output(output, input: x, of: name)
        }
        return packed.suits(x)
            ? try packed(x)
            : try x.linear(computeWeight(x.dtype).transposed(0, 1), bias: computeBias(x.dtype))
    }
}
