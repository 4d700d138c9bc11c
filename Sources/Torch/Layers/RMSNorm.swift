import CTorch

/// Normalization by the root mean square over the last dimension (Zhang and Sennrich, arXiv 1910.07467), as `torch.nn.RMSNorm`.
public struct RMSNorm {
    /// (width)
    public let weight: Tensor
    public let epsilon: Double
    /// Added to the weight: 1 where it is stored as the difference from the identity, as Gemma's.
    public let offset: Double

    /// - Parameters:
    ///   - scope: The scope of its parameter.
    ///   - width: The size of the last dimension.
    ///   - epsilon: Added to the mean square.
    ///   - offset: Added to the weight.
    /// - Throws: ``TorchError`` where memory is short, or what the source of parameters throws.
    public init(_ scope: ParameterScope, width: Int, epsilon: Double, offset: Double = 0) throws {
        weight = try scope.parameter("weight", shape: [width], initializer: offset == 0 ? .ones : .zeros)
        (self.epsilon, self.offset) = (epsilon, offset)
    }

    /// A norm of this weight.
    init(weight: Tensor, epsilon: Double, offset: Double) {
        (self.weight, self.epsilon, self.offset) = (weight, epsilon, offset)
    }

    /// (…, width) float32 → (…, width) in a type, by the kernels where they compute it.
    public func callAsFunction(_ x: Tensor, _ dtype: DType = .float32) throws -> Tensor {
        x.dtype == .float32 && PackedKernels.arePreferred(for: dtype, on: x.device)
            ? try byKernels(x, dtype) : try byOperations(x).to(dtype)
    }

    func byOperations(_ x: Tensor) throws -> Tensor {
        try x.rmsNorm(weight: offset == 0 ? weight : weight + offset, epsilon: epsilon)
    }

    func byKernels(_ x: Tensor, _ dtype: DType) throws -> Tensor {
        try .make { ct_packed_rms_norm(x.handle, weight.handle, epsilon, offset, dtype == .bfloat16, $0) }
    }
}
