import CTorch

/// `x · weightᵀ + bias`, as `torch.nn.Linear`.
public struct Linear {
    /// (outputs, inputs): floating point, or the int8 values of ``int8``.
    public let weight: Tensor
    /// (outputs)
    public let bias: Tensor?
    /// The int8 weight, if it is quantized.
    public let int8: QuantizedParameter?
    let instrument: (any LayerHook)?
    private let name: String
    private let computeWeight: ComputeCopy
    private let computeBias: ComputeCopy?
    let packed: PackedWeight

    public init(
        _ scope: ParameterScope, inputs: Int, outputs: Int, bias: Bool = true,
        initializer: ParameterInitializer
    ) throws {
        int8 = try scope.quantizedParameter("weight", shape: [outputs, inputs])
        weight =
            try int8?.weight.values
            ?? scope.parameter("weight", shape: [outputs, inputs], initializer: initializer)
        self.bias = bias ? try scope.parameter("bias", shape: [outputs], initializer: .zeros) : nil
        computeWeight = ComputeCopy(weight)
        computeBias = self.bias.map(ComputeCopy.init)
        packed = PackedWeight(weight, bias: self.bias)
        instrument = scope.instrument
        name = scope.path
        if int8 == nil { scope.registerLinear(weight, isTransposed: false) }
    }

    /// A layer of these tensors, such as a language model's output layer that is its token embedding table.
    public init(weight: Tensor, bias: Tensor?) {
        self.weight = weight
        self.bias = bias
        int8 = nil
        instrument = nil
        name = ""
        computeWeight = ComputeCopy(weight)
        computeBias = bias.map(ComputeCopy.init)
        packed = PackedWeight(weight, bias: bias)
    }

    /// A layer of an int8 weight.
    init(int8: QuantizedParameter, bias: Tensor?) {
        weight = int8.weight.values
        self.bias = bias
        self.int8 = int8
        instrument = nil
        name = ""
        computeWeight = ComputeCopy(weight)
        computeBias = bias.map(ComputeCopy.init)
        packed = PackedWeight(weight, bias: bias)
    }

    /// True if the weight is floating point and there is no hook (``LayerHook``).
    var isPlain: Bool { int8 == nil && instrument == nil }

    /// (…, inputs) → (…, outputs), in the input's type; float32 where the weight is int8.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        if let int8 { return try int8.weight.linear(x, bias: bias, input: int8.input) }
        let dtype = x.dtype
        let weight = try computeWeight(dtype)
        guard let instrument else { return try x.linear(weight, bias: computeBias?(dtype)) }
        let output = try instrument.input(x, of: name).linear(
            instrument.weight(weight, of: name), bias: computeBias?(dtype))
        return try instrument.output(output, input: x, of: name)
    }

    /// (rows, inputs) → (rows, outputs) in the input's type, by the kernels where they can compute it: for the many rows that all
    /// tokens of a batch are.
    public func tokens(_ x: Tensor) throws -> Tensor {
        isPlain && packed.suits(x) ? try packed(x) : try self(x)
    }

    /// (rows, inputs) → (rows, outputs) of each of several layers, which all read the same rows: at once, where no gradient is recorded.
    public static func tokens(_ x: Tensor, _ layers: [Linear]) throws -> [Tensor] {
        let isRecorded = ct_grad_enabled() && (x.requiresGrad || layers.contains { $0.weight.requiresGrad })
        guard !isRecorded, layers.allSatisfy({ $0.isPlain && $0.packed.suits(x) }) else {
            return try layers.map { try $0.tokens(x) }
        }
        return try PackedWeight.products(x, layers.map(\.packed))
    }

    /// As ``tokens(_:)``, in float32 whatever the input's type, in which the factors are: for logits, which bfloat16 would round. Where
    /// gradients are not recorded.
    public func float32Tokens(_ x: Tensor) throws -> Tensor {
        isPlain && packed.suits(x) ? try packed(x, inFloat32: true) : try self(x.to(.float32))
    }

    /// (rows, inputs) → (rows, outputs), by kernels whose bits depend neither on the other rows nor on the number of
    /// threads, where they can compute it: for the few rows that a head has.
    public func rows(_ x: Tensor) throws -> Tensor {
        guard isPlain, PackedKernels.areEnabled, x.device.kind == .cpu, x.dtype == .float32 else {
            return try self(x)
        }
        return try .make { ct_rows_linear(x.handle, weight.handle, bias?.handle, $0) }
    }
}
