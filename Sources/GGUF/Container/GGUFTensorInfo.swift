/// What a GGUF file says about a tensor.
public struct GGUFTensorInfo: Sendable, Equatable {
    /// The tensor's name: `blk.0.attn_q.weight`.
    public let name: String
    /// The type of its elements.
    public let type: GGUFTensorType
    /// The sizes of its axes in row-major order, as everywhere but in GGUF, where the fastest axis comes first.
    public let shape: [Int]
    /// The tensor's bytes, counted from the beginning of the file.
    public let byteRange: Range<Int>

    /// The number of elements.
    public var elementCount: Int { shape.reduce(1, *) }
    /// The number of elements in a row; a tensor without axes is one row of one.
    public var columns: Int { shape.last ?? 1 }
    /// The number of rows.
    public var rows: Int { shape.dropLast().reduce(1, *) }
    /// The number of bytes that a row takes up.
    public var rowBytes: Int { columns / type.blockSize * type.blockBytes }

    /// The number of bytes of a tensor, or the error in its shape.
    static func byteCount(_ type: GGUFTensorType, shape: [Int]) -> Result<Int, InvalidShape> {
        let columns = shape.last ?? 1
        guard columns % type.blockSize == 0 else {
            return .failure(
                InvalidShape(
                    "its rows of \(columns) elements do not fill whole blocks of \(type.blockSize), which \(type.name) "
                        + "needs"))
        }
        var bytes = type.blockBytes
        // The fastest axis in blocks; then no product exceeds the number of bytes.
        for size in [columns / type.blockSize] + shape.dropLast() {
            let (product, overflows) = bytes.multipliedReportingOverflow(by: size)
            // A later zero would make the product small again, but such a shape is not to be trusted.
            if overflows { return .failure(InvalidShape("its shape \(shape) has too many elements")) }
            bytes = product
        }
        var elements = 1
        for size in shape {
            let (product, overflows) = elements.multipliedReportingOverflow(by: size)
            if overflows { return .failure(InvalidShape("its shape \(shape) has too many elements")) }
            elements = product
        }
        return .success(bytes)
    }

    /// Checks that the elements may be a model's weights.
    ///
    /// - Throws: ``GGUFError`` for whole numbers, which the bits of a damaged type make of weights.
    func checkIsWeight(path: String) throws {
        guard type.isInteger else { return }
        throw GGUFError(
            path, tensor: name,
            "its type \(type.name) is one of whole numbers, which a model's weights never have; the file is damaged, fetch it or convert "
                + "the model again")
    }

    struct InvalidShape: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }
}
