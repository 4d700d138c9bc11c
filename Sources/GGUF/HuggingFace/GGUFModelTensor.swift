/// A tensor of a language model in the form of a Hugging Face checkpoint.
public struct GGUFModelTensor: Sendable {
    /// The name there: `model.layers.0.self_attn.q_proj.weight`.
    public let name: String
    /// The shape there, in row-major order.
    public let shape: [Int]
    /// What the file says about it.
    public let info: GGUFTensorInfo
    /// The difference between its values in the file and there.
    public let conversion: GGUFConversion

    /// The number of rows of a head, for rotary projections.
    let headSize: Int
    let checkpoint: GGUFCheckpoint

    /// The number of elements.
    public var elementCount: Int { info.elementCount }
    /// The number of elements in a row.
    public var columns: Int { shape.last ?? 1 }
    /// The number of rows.
    public var rows: Int { shape.dropLast().reduce(1, *) }

    /// The 16-bit type that holds the values exactly as the file does, if there is one; see ``fillPatterns(_:rows:)``.
    public var exactSixteenBits: GGUFTensorType? {
        info.type.isSixteenBit && conversion != .normPlusOne ? info.type : nil
    }

    /// The bytes as the file has them, valid while the model lives.
    package func bytes() throws -> UnsafeRawBufferPointer { try checkpoint.bytes(of: info.name) }

    /// The rows of a head of a rotary projection, which have another order in the file; 0 where the order is the same.
    package var rotaryHead: Int {
        if case .rotary = conversion { headSize } else { 0 }
    }

    /// Fills memory with the values, as floats; only this tensor's bytes are read from disk.
    ///
    /// - Parameters:
    ///   - target: room for exactly the rows asked for, in row-major order.
    ///   - rows: which rows; all if `nil`.
    /// - Throws: ``GGUFError`` if the rows are not there, or the quantization is not known.
    public func fill(_ target: UnsafeMutableBufferPointer<Float>, rows: Range<Int>? = nil) throws {
        let range = try checked(rows, count: target.count)
        guard let base = target.baseAddress else { return }
        try arrange(range, into: base, zero: 0) { try checkpoint.decode(info, rows: $0, into: $1) }
        if conversion == .normPlusOne {
            for index in target.indices { target[index] -= 1 }
        }
    }

    /// Fills memory with the 16-bit patterns of the values, without any rounding.
    ///
    /// - Parameters:
    ///   - target: room for exactly the rows asked for, in row-major order.
    ///   - rows: which rows; all if `nil`.
    /// - Throws: ``GGUFError`` if the rows are not there, or ``exactSixteenBits`` is `nil`.
    public func fillPatterns(_ target: UnsafeMutableBufferPointer<UInt16>, rows: Range<Int>? = nil) throws {
        let range = try checked(rows, count: target.count)
        guard exactSixteenBits != nil else {
            throw GGUFError(
                checkpoint.path, tensor: info.name, "has no exact form of 16 bits; read it as floats")
        }
        guard let base = target.baseAddress else { return }
        try arrange(range, into: base, zero: 0) { try checkpoint.patterns(info, rows: $0, into: $1) }
    }

    /// The values, as floats.
    ///
    /// - Throws: ``GGUFError`` if the quantization is not known.
    public func floats() throws -> [Float] {
        try [Float](unsafeUninitializedCapacity: elementCount) { buffer, count in
            try fill(UnsafeMutableBufferPointer(rebasing: buffer[..<elementCount]))
            count = elementCount
        }
    }

    private func checked(_ rows: Range<Int>?, count: Int) throws -> Range<Int> {
        let range = rows ?? 0..<self.rows
        guard range.lowerBound >= 0, range.upperBound <= self.rows, range.count * columns == count else {
            throw GGUFError(
                checkpoint.path, tensor: info.name,
                "rows \(range) of shape \(shape) do not fit \(count) elements of memory")
        }
        return range
    }

    /// Puts rows of the file where they belong.
    ///
    /// - Parameters:
    ///   - rows: rows of this tensor.
    ///   - target: room for them.
    ///   - decode: reads rows of the file.
    private func arrange<Element>(
        _ rows: Range<Int>, into target: UnsafeMutablePointer<Element>, zero: Element,
        decode: (Range<Int>, UnsafeMutablePointer<Element>) throws -> Void
    ) throws {
        if rows.isEmpty || columns == 0 { return }
        switch conversion {
        case .none, .normPlusOne: try decode(rows, target)
        case .rotary where shape.count == 1:
            try withScratch(columns, zero) { scratch in
                try decode(rows, scratch)
                for place in 0..<columns {
                    target[place] = scratch[GGUFConversion.rowInFile(of: place, headSize: headSize)]
                }
            }
        case .rotary:
            for (place, row) in rows.enumerated() {
                let own = GGUFConversion.rowInFile(of: row, headSize: headSize)
                try decode(own..<own + 1, target + place * columns)
            }
        case .transposed:
            // Some of the file's rows at a time, each of which is a column here.
            let (step, length) = (min(16, info.rows), info.columns)
            try withScratch(step * length, zero) { scratch in
                for first in stride(from: 0, to: info.rows, by: step) {
                    let part = first..<min(first + step, info.rows)
                    try decode(part, scratch)
                    for (place, row) in rows.enumerated() {
                        for column in part {
                            target[place * columns + column] = scratch[(column - first) * length + row]
                        }
                    }
                }
            }
        }
    }

    private func withScratch<Element>(
        _ count: Int, _ zero: Element, _ body: (UnsafeMutablePointer<Element>) throws -> Void
    ) throws {
        var scratch = [Element](repeating: zero, count: count)
        try scratch.withUnsafeMutableBufferPointer { buffer in
            if let base = buffer.baseAddress { try body(base) }
        }
    }
}
