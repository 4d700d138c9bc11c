import Safetensors

/// A tensor whose bytes are produced when they are written, so that a model need not be in memory.
struct TensorData: Sendable {
    /// The type of the elements.
    let dtype: SafetensorsDType
    /// The size in each dimension; empty for a scalar.
    let shape: [Int]
    /// Calls its argument once with the elements, little-endian and in row-major order.
    let withBytes: @Sendable (_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Void

    init(
        _ dtype: SafetensorsDType, _ shape: [Int],
        withBytes: @escaping @Sendable (_ body: (UnsafeRawBufferPointer) throws -> Void) throws -> Void
    ) {
        self.dtype = dtype
        self.shape = shape
        self.withBytes = withBytes
    }

    /// The size of the elements in bytes.
    var byteCount: Int { shape.reduce(dtype.bitSize / 8, *) }

    /// Makes a tensor of integers in row-major order.
    static func int64(_ values: [Int64], _ shape: [Int]) -> TensorData {
        TensorData(.int64, shape) { body in
            try values.map(\.littleEndian).withUnsafeBytes(body)
        }
    }

    /// Makes a tensor of numbers in row-major order, in a floating-point type.
    static func floats(_ values: [Float], _ shape: [Int], as dtype: SafetensorsDType = .float32) -> TensorData
    {
        TensorData(dtype, shape) { body in
            try FloatBytes.encode(values, as: dtype).withUnsafeBytes(body)
        }
    }

    /// Makes a tensor of bytes in row-major order.
    static func uint8(_ values: [UInt8], _ shape: [Int]) -> TensorData {
        TensorData(.uint8, shape) { body in try values.withUnsafeBytes(body) }
    }
}
