/// A table of vectors looked up by index, as `torch.nn.Embedding`.
public struct Embedding {
    /// (count, width): floating point, or the int8 values of ``int8``.
    public let weight: Tensor
    /// The int8 table, if it is quantized.
    public let int8: QuantizedParameter?
    /// The row that never gets a gradient.
    public let paddingIndex: Int?
    let instrument: (any LayerHook)?
    private let name: String

    public init(
        _ scope: ParameterScope, count: Int, width: Int, paddingIndex: Int? = nil,
        initializer: ParameterInitializer
    ) throws {
        int8 = try scope.quantizedParameter("weight", shape: [count, width])
        weight =
            try int8?.weight.values
            ?? scope.parameter("weight", shape: [count, width], initializer: initializer)
        self.paddingIndex = paddingIndex
        instrument = scope.instrument
        name = scope.path
    }

    /// Integers (…) → (…, width)
    public func callAsFunction(_ indices: Tensor) throws -> Tensor {
        if let int8 { return try int8.weight.embedding(indices) }
        guard let instrument else { return try weight.embedding(indices, paddingIndex: paddingIndex) }
        return try instrument.weight(weight, of: name).embedding(indices, paddingIndex: paddingIndex)
    }
}
