/// The entry for one tensor in the header of a safetensors file.
public struct TensorInfo: Sendable, Equatable {
    /// The tensor's name, which no other tensor of the file has.
    public let name: String
    /// The type of its elements.
    public let dtype: SafetensorsDType
    /// Its size in each dimension; empty for a scalar.
    public let shape: [Int]
    /// The range of the tensor's bytes, relative to the start of the file's data part. Elements are little-endian and
    /// in row-major order.
    public let byteRange: Range<Int>

    /// The size in bytes of a tensor, or the error in its shape.
    static func byteCount(dtype: SafetensorsDType, shape: [Int]) -> Result<Int, InvalidShape> {
        var bits = dtype.bitSize
        for size in shape {
            if size < 0 { return .failure(InvalidShape("its shape \(shape) has a negative size")) }
            let (product, overflow) = bits.multipliedReportingOverflow(by: size)
            // A later zero would make the product small again, but such a shape is not to be trusted.
            if overflow { return .failure(InvalidShape("its shape \(shape) has too many elements")) }
            bits = product
        }
        if bits % 8 != 0 {
            return .failure(
                InvalidShape("its shape \(shape) of \(dtype.rawValue) does not fill whole bytes"))
        }
        return .success(bits / 8)
    }

    struct InvalidShape: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }
}

/// A tensor's name as a dictionary key, compared by its UTF-8 bytes (Swift's strings compare by canonical
/// equivalence, the format does not).
struct TensorName: Hashable {
    let string: String

    init(_ string: String) { self.string = string }

    static func == (left: TensorName, right: TensorName) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    func hash(into hasher: inout Hasher) {
        for byte in string.utf8 { hasher.combine(byte) }
    }
}
