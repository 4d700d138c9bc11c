import CTorch

/// A matrix in int8 with a scale for each row: a linear layer's weights by output channel, or a table by entry.
///
/// Element (r, c) is `values[r, c] · scales[r]`, symmetric around zero, from −127 to 127.
public final class Int8Weight {
    /// (rows, width), int8.
    public let values: Tensor
    /// (rows, 1), float32.
    public let scales: Tensor
    private var layer: ct_int8_linear?

    /// - Parameters:
    ///   - values: (rows, width), int8.
    ///   - scales: (rows, 1), float32.
    /// - Throws: ``TorchError`` where types or shapes do not fit.
    public init(values: Tensor, scales: Tensor) throws {
        guard values.dtype == .int8, values.rank == 2, scales.dtype == .float32,
            scales.shape == [values.shape[0], 1]
        else {
            throw TorchError(
                "an int8 weight needs int8 values (rows, width) and float32 scales (rows, 1); got \(values) and \(scales)"
            )
        }
        self.values = values
        self.scales = scales
    }

    /// Quantizes a matrix, each row by its largest element.
    ///
    /// - Parameter weight: (rows, width), floating point.
    /// - Throws: ``TorchError`` where it is no such matrix, or an element is not finite.
    public convenience init(quantizing weight: Tensor) throws {
        var (values, scales): (ct_tensor?, ct_tensor?)
        try check(ct_quantize_rows(weight.handle, &values, &scales))
        guard let values, let scales else {
            throw TorchError(kind: .internal, "quantize_rows returned no tensor")
        }
        try self.init(values: Tensor(owning: values), scales: Tensor(owning: scales))
    }

    deinit { if let layer { ct_int8_linear_free(layer) } }

    /// (rows, width), float32.
    public func dequantized() throws -> Tensor {
        try .make { ct_dequantize_rows(values.handle, scales.handle, $0) }
    }

    /// `x · weightᵀ + bias`, multiplied in int8 by libtorch's kernels; where it has none, widened to float32.
    ///
    /// - Parameters:
    ///   - x: (…, width), floating point.
    ///   - bias: (rows), float32.
    ///   - input: The quantization of `x`.
    /// - Returns: (…, rows), float32, without a gradient.
    /// - Throws: ``TorchError`` where shapes do not fit.
    public func linear(_ x: Tensor, bias: Tensor?, input: ActivationQuantization) throws -> Tensor {
        if layer == nil { try check(ct_int8_linear_make(values.handle, scales.handle, &layer)) }
        return try .make { ct_int8_linear_run(layer, x.handle, bias?.handle, input.code, $0) }
    }

    /// Rows looked up: integers (…) → (…, width) float32.
    ///
    /// - Throws: ``TorchError`` for an index outside of the table.
    public func embedding(_ indices: Tensor) throws -> Tensor {
        try .make { ct_int8_embedding(values.handle, scales.handle, indices.handle, $0) }
    }

    /// Steps of an activation on each side of zero on this processor: 127, or 63 without VNNI.
    public static var activationLevels: Int { Int(ct_int8_levels()) }

    /// True if libtorch has int8 kernels on this machine.
    public static var hasKernels: Bool { ct_int8_kernels_available() }
}

extension ActivationQuantization {
    var code: ct_int8_input {
        switch self {
        case .perToken: ct_int8_input(kind: Int32(CT_INT8_PER_TOKEN), scale: 1, zero_point: 0)
        case .perTensor: ct_int8_input(kind: Int32(CT_INT8_PER_TENSOR), scale: 1, zero_point: 0)
        case .fixed(let scale, let zeroPoint):
            ct_int8_input(
                kind: Int32(CT_INT8_STATIC), scale: Double(scale), zero_point: Int64(zeroPoint))
        }
    }
}

extension Tensor {
    /// The values as they are after quantization to int8 and back, outside of any gradient.
    ///
    /// - Parameters:
    ///   - byRow: True if each row of the last dimension has a scale of its own, false if all elements have one.
    ///   - levels: Steps on each side of zero.
    /// - Throws: ``TorchError`` for a tensor without elements.
    public func fakeQuantized(byRow: Bool, levels: Int = 127) throws -> Tensor {
        try .make { ct_fake_quantize(handle, byRow, Int32(levels), $0) }
    }

    /// Returns the number of elements in each of `bins` equal parts of a range.
    ///
    /// - Parameters:
    ///   - bins: The number of parts.
    ///   - range: Elements outside of it are not counted.
    /// - Throws: ``TorchError`` for an empty range.
    public func histogram(bins: Int, in range: ClosedRange<Float>) throws -> [Double] {
        let counts = try Tensor.make {
            ct_histogram(
                handle, Int64(bins), Double(range.lowerBound), Double(range.upperBound), $0)
        }
        return try counts.array()
    }
}
