import CTorch

extension Tensor {
    /// The elements in C order, converted to `Element`'s type where the tensor has another.
    public func array<Element: TensorElement>(of type: Element.Type = Element.self) throws -> [Element] {
        // Laid out by libtorch first: an expanded view may have more elements than memory has room for.
        let source = try to(Element.dtype).contiguous()
        let count = source.count
        var failure: (any Error)?
        let result = [Element](unsafeUninitializedCapacity: count) { buffer, initialized in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            do {
                try check(
                    ct_copy_to_bytes(source.handle, bytes.baseAddress, count * MemoryLayout<Element>.stride))
                initialized = count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return result
    }

    /// The elements' bytes in C order.
    public func bytes() throws -> [UInt8] {
        let source = try contiguous()
        let size = count * dtype.size
        var result = [UInt8](repeating: 0, count: size)
        try result.withUnsafeMutableBytes { try check(ct_copy_to_bytes(source.handle, $0.baseAddress, size)) }
        return result
    }

    /// The value of a tensor with one element.
    ///
    /// - Throws: ``TorchError`` where it has none or several.
    public func item() throws -> Double {
        var value = 0.0
        try check(ct_item(handle, &value))
        return value
    }

    public func to(_ dtype: DType) throws -> Tensor { try to(dtype, device) }

    public func to(_ device: Device) throws -> Tensor { try to(dtype, device) }

    /// The same elements as another type on another device; this tensor itself where nothing changes.
    public func to(_ dtype: DType, _ device: Device) throws -> Tensor {
        try .make { ct_to(handle, dtype.code, device.code, $0) }
    }

    public func contiguous() throws -> Tensor { try .make { ct_contiguous(handle, $0) } }

    public func clone() throws -> Tensor { try .make { ct_clone(handle, $0) } }

    /// Overwrites the elements with those of a tensor of the same shape, outside of any gradient.
    public func copy(from source: Tensor) throws { try check(ct_copy_(handle, source.handle)) }

    /// Overwrites every element, outside of any gradient.
    public func fill(_ value: Double) throws { try check(ct_fill_(handle, value)) }
}
