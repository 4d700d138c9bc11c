import CTorch

extension Tensor {
    /// A tensor with these elements in C order.
    ///
    /// - Parameters:
    ///   - elements: As many as the shape has.
    ///   - shape: The size of each dimension; `nil` for one dimension of all elements.
    ///   - device: The tensor's device.
    /// - Throws: ``TorchError`` if the number of elements does not match the shape.
    public convenience init<Element: TensorElement>(
        _ elements: [Element], shape: [Int]? = nil, device: Device = .cpu
    ) throws {
        let shape = shape ?? [elements.count]
        self.init(
            owning: try elements.withUnsafeBytes {
                try Tensor.handle(bytes: $0, shape: shape, dtype: Element.dtype, device: device)
            })
    }

    /// A tensor of one element and no dimensions.
    public convenience init<Element: TensorElement>(_ element: Element, device: Device = .cpu) throws {
        try self.init([element], shape: [], device: device)
    }

    /// A tensor with a copy of these bytes: elements in C order, in the machine's byte order.
    ///
    /// - Throws: ``TorchError`` where the number of bytes does not fit shape and type.
    public convenience init(
        bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, device: Device = .cpu
    ) throws {
        self.init(owning: try Tensor.handle(bytes: bytes, shape: shape, dtype: dtype, device: device))
    }

    /// A tensor on the CPU over memory that somebody else owns, such as a privately mapped file's, without a copy.
    ///
    /// - Parameters:
    ///   - bytes: Elements in C order, aligned to their size. Changing the tensor changes them.
    ///   - owner: The object that keeps the memory valid; it is retained as long as a tensor needs it.
    ///   - shape: The size of each dimension.
    ///   - dtype: The type of the elements.
    /// - Throws: ``TorchError`` where the number of bytes does not fit shape and type.
    public convenience init(
        mapping bytes: UnsafeRawBufferPointer, owner: AnyObject, shape: [Int], dtype: DType
    ) throws {
        let held = Unmanaged.passRetained(owner)
        self.init(
            owning: try withInt64(shape) { dims, rank in
                var out: ct_tensor?
                try check(
                    ct_from_mapped(
                        UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, dims, rank,
                        dtype.code,
                        held.toOpaque(), { Unmanaged<AnyObject>.fromOpaque($0!).release() }, &out))
                guard let out else { throw TorchError(kind: .internal, "from_mapped returned no tensor") }
                return out
            })
    }

    private static func handle(
        bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, device: Device
    ) throws -> ct_tensor {
        var out: ct_tensor?
        try withInt64(shape) { dims, rank in
            try check(
                ct_from_bytes(bytes.baseAddress, bytes.count, dims, rank, dtype.code, device.code, &out))
        }
        guard let out else { throw TorchError(kind: .internal, "from_bytes returned no tensor") }
        return out
    }

    public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws -> Tensor
    {
        try full(shape, 0, dtype: dtype, device: device)
    }

    public static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu) throws -> Tensor {
        try full(shape, 1, dtype: dtype, device: device)
    }

    public static func full(
        _ shape: [Int], _ value: Double, dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try withInt64(shape) { dims, rank in
            try make { ct_full(dims, rank, value, dtype.code, device.code, $0) }
        }
    }

    public func zerosLike() throws -> Tensor { try .zeros(shape, dtype: dtype, device: device) }

    /// The numbers 0, 1, … up to but not including `end`.
    public static func arange(_ end: Int, dtype: DType = .int64, device: Device = .cpu) throws -> Tensor {
        try make { ct_arange(0, Double(end), 1, dtype.code, device.code, $0) }
    }

    /// Normal numbers that depend on the seed alone: the same on every device.
    public static func normal(
        _ shape: [Int], mean: Double = 0, standardDeviation: Double = 1, seed: UInt64,
        dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try withInt64(shape) { dims, rank in
            try make { ct_normal(dims, rank, mean, standardDeviation, seed, dtype.code, device.code, $0) }
        }
    }

    /// Uniform numbers in `low ..< high` that depend on the seed alone: the same on every device.
    public static func uniform(
        _ shape: [Int], low: Double = 0, high: Double = 1, seed: UInt64,
        dtype: DType = .float32, device: Device = .cpu
    ) throws -> Tensor {
        try withInt64(shape) { dims, rank in
            try make { ct_uniform(dims, rank, low, high, seed, dtype.code, device.code, $0) }
        }
    }
}
