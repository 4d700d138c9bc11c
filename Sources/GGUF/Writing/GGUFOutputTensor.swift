/// A tensor to be written to a GGUF file.
public struct GGUFOutputTensor {
    /// The name in the file: `blk.0.attn_q.weight`.
    public let name: String
    /// The type of the elements in the file.
    public let type: GGUFTensorType
    /// The sizes of the axes in row-major order.
    public let shape: [Int]
    /// How values become the numbers of a quantized type.
    public var rounding = GGUFRounding.reference

    /// Fills memory with rows.
    let rows: (Range<Int>, UnsafeMutableBufferPointer<Float>) throws -> Void

    /// Makes a tensor whose values are asked for, some rows at a time, when they are written.
    ///
    /// - Parameters:
    ///   - name: the name in the file.
    ///   - type: one of the types that are ``GGUFTensorType/isWritable``.
    ///   - shape: the sizes of up to four axes, in row-major order.
    ///   - rows: fills memory with the floats of rows, counted over all axes but the last.
    public init(
        name: String, type: GGUFTensorType, shape: [Int],
        rows: @escaping (Range<Int>, UnsafeMutableBufferPointer<Float>) throws -> Void
    ) {
        self.name = name
        self.type = type
        self.shape = shape
        self.rows = rows
    }

    /// Makes a tensor of values in memory.
    ///
    /// - Parameters:
    ///   - name: the name in the file.
    ///   - type: one of the types that are ``GGUFTensorType/isWritable``.
    ///   - shape: the sizes of up to four axes, in row-major order.
    ///   - values: as many floats as the shape has elements.
    public init(name: String, type: GGUFTensorType, shape: [Int], values: [Float]) {
        let columns = shape.last ?? 1
        let path = name
        self.init(name: name, type: type, shape: shape) { rows, target in
            guard rows.upperBound * columns <= values.count, target.count == rows.count * columns else {
                throw GGUFError(
                    path, "has \(values.count) values, which are not those of shape \(shape)")
            }
            for (index, value) in values[rows.lowerBound * columns..<rows.upperBound * columns].enumerated() {
                target[index] = value
            }
        }
    }
}
