extension GGUFCheckpoint {
    /// Fills memory with rows of a tensor, as floats; only these rows' bytes are read from disk.
    ///
    /// - Parameters:
    ///   - name: the tensor's name in the file.
    ///   - rows: which of its ``GGUFTensorInfo/rows``; all if `nil`.
    ///   - target: room for exactly these rows.
    /// - Throws: ``GGUFError`` if there is no such tensor or row, or its quantization is not known.
    public func decode(
        _ name: String, rows: Range<Int>? = nil, into target: UnsafeMutableBufferPointer<Float>
    ) throws {
        let (info, range) = try place(name, rows, count: target.count)
        guard let base = target.baseAddress, !range.isEmpty else { return }
        try decode(info, rows: range, into: base)
    }

    /// Fills memory with the 16-bit patterns of rows of a tensor that is stored as such, without any rounding.
    ///
    /// - Parameters:
    ///   - name: the tensor's name in the file.
    ///   - rows: which of its ``GGUFTensorInfo/rows``; all if `nil`.
    ///   - target: room for exactly these rows.
    /// - Throws: ``GGUFError`` if there is no such tensor or row, or it is neither F16 nor BF16.
    public func patterns(
        _ name: String, rows: Range<Int>? = nil, into target: UnsafeMutableBufferPointer<UInt16>
    ) throws {
        let (info, range) = try place(name, rows, count: target.count)
        guard let base = target.baseAddress, !range.isEmpty else { return }
        try patterns(info, rows: range, into: base)
    }

    private func place(
        _ name: String, _ rows: Range<Int>?, count: Int
    ) throws -> (info: GGUFTensorInfo, rows: Range<Int>) {
        guard let info = info(name) else { throw GGUFError(path, tensor: name, "is not in this file") }
        let range = rows ?? 0..<info.rows
        guard range.lowerBound >= 0, range.upperBound <= info.rows else {
            throw GGUFError(path, tensor: name, "has \(info.rows) rows, but rows \(range) were asked for")
        }
        guard range.count * info.columns == count else {
            throw GGUFError(
                path, tensor: name,
                "\(range.count) rows of \(info.columns) elements do not fit \(count) elements of memory")
        }
        return (info, range)
    }

    /// - Parameter target: room for the rows, which are within the tensor.
    func decode(_ info: GGUFTensorInfo, rows: Range<Int>, into target: UnsafeMutablePointer<Float>) throws {
        let count = rows.count * info.columns / info.type.blockSize
        guard let start = try bytes(of: info.name).baseAddress else { return }
        guard info.type.dequantize(start + rows.lowerBound * info.rowBytes, count: count, into: target) else {
            let known = GGUFTensorType.allCases.filter(\.isReadable).map(\.name).joined(separator: ", ")
            throw GGUFError(
                path, tensor: info.name,
                "is quantized as \(info.type.name), which is not supported; use a file with one of \(known)")
        }
    }

    func patterns(_ info: GGUFTensorInfo, rows: Range<Int>, into target: UnsafeMutablePointer<UInt16>) throws
    {
        guard info.type.isSixteenBit else {
            throw GGUFError(
                path, tensor: info.name, "is \(info.type.name), not 16-bit numbers; read it as floats")
        }
        guard let start = try bytes(of: info.name).baseAddress else { return }
        let first = start + rows.lowerBound * info.rowBytes
        for index in 0..<rows.count * info.columns { target[index] = first.word(2 * index) }
    }
}
