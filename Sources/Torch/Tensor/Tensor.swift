import CTorch

/// A multi-dimensional array on a device, with automatic differentiation: a handle to a libtorch tensor.
///
/// Copying the reference shares the elements. Every operation that libtorch can refuse throws ``TorchError``,
/// whose message names the operation and the shapes. Tensors are not `Sendable`: hand plain Swift arrays from
/// one thread to another.
///
/// ```swift
/// let x = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
/// let y = try (x * 2 + 1).sum()
/// print(try y.item())  // 24.0
/// ```
public final class Tensor {
    let handle: ct_tensor

    /// Takes over one reference.
    init(owning handle: ct_tensor) { self.handle = handle }

    deinit { ct_tensor_free(handle) }

    /// The size of each dimension.
    public var shape: [Int] {
        let rank = ct_rank(handle)
        return [Int](unsafeUninitializedCapacity: rank) { buffer, count in
            buffer.withMemoryRebound(to: Int64.self) { ct_shape(handle, $0.baseAddress) }
            count = rank
        }
    }

    /// The number of dimensions.
    public var rank: Int { ct_rank(handle) }

    /// The number of elements.
    public var count: Int { Int(ct_element_count(handle)) }

    /// The elements' type.
    ///
    /// Only operations of this package make tensors here, and none makes a type that ``DType`` does not list.
    public var dtype: DType { DType(code: ct_tensor_dtype(handle)) ?? .float32 }

    public var device: Device { Device(code: ct_tensor_device(handle)) ?? .cpu }

    /// True if the elements are stored in C order without gaps.
    public var isContiguous: Bool { ct_is_contiguous(handle) }

    /// The size of a dimension; negative numbers count from the last.
    ///
    /// - Throws: ``TorchError`` where there is no such dimension.
    public func size(_ dimension: Int) throws -> Int {
        let shape = self.shape
        let index = dimension < 0 ? dimension + shape.count : dimension
        guard shape.indices.contains(index) else {
            throw TorchError(kind: .index, "size: dimension \(dimension) of a tensor of shape \(shape)")
        }
        return shape[index]
    }
}

extension Tensor: CustomStringConvertible {
    public var description: String { "Tensor(\(dtype.rawValue)\(shape))" }
}

extension Tensor {
    /// Runs a shim function that makes one tensor.
    static func make(_ body: (UnsafeMutablePointer<ct_tensor?>) -> ct_error?) throws -> Tensor {
        var out: ct_tensor?
        try check(body(&out))
        guard let out else { throw TorchError(kind: .internal, "an operation returned no tensor") }
        return Tensor(owning: out)
    }

    /// Runs a body on the handles of several tensors, which live until it returns.
    static func withHandles<Result>(
        _ tensors: [Tensor], _ body: (UnsafePointer<ct_tensor?>?, Int) throws -> Result
    ) rethrows -> Result {
        try withExtendedLifetime(tensors) {
            let handles: [ct_tensor?] = tensors.map(\.handle)
            return try handles.withUnsafeBufferPointer { try body($0.baseAddress, $0.count) }
        }
    }
}

/// Runs a body on integers as the 64-bit array that the shim takes.
func withInt64<Result>(
    _ values: [Int], _ body: (UnsafePointer<Int64>?, Int) throws -> Result
) rethrows -> Result {
    try values.withUnsafeBufferPointer { buffer in
        try buffer.withMemoryRebound(to: Int64.self) { try body($0.baseAddress, $0.count) }
    }
}
