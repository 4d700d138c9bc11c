/// A place in a GGUF file's bytes, from which little-endian values are read one after another.
struct GGUFCursor {
    let bytes: UnsafeRawBufferPointer
    let path: String
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer, path: String) {
        self.bytes = bytes
        self.path = path
    }

    /// The number of bytes that follow.
    var remaining: Int { bytes.count - offset }

    /// Reads an integer.
    ///
    /// - Parameter what: what it is, for the error: "the number of tensors".
    mutating func integer<Number: FixedWidthInteger>(_ type: Number.Type, _ what: String) throws -> Number {
        let size = MemoryLayout<Number>.size
        guard size <= remaining else { throw truncated(what) }
        defer { offset += size }
        return Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// Reads a number of things that follow.
    ///
    /// - Parameter smallest: the fewest bytes that each of them takes up: a number that cannot be true is refused before
    ///   anything is allocated for it.
    mutating func count(_ what: String, smallest: Int) throws -> Int {
        let count = try integer(UInt64.self, what)
        let (bytes, overflows) = count.multipliedReportingOverflow(by: UInt64(smallest))
        guard !overflows, bytes <= UInt64(remaining) else {
            throw GGUFError(
                path,
                "\(what) is \(count), but only \(remaining) bytes follow; the file is truncated, fetch it again"
            )
        }
        return Int(count)
    }

    /// Reads a text: its length in bytes, then the bytes.
    mutating func string(_ what: String) throws -> String {
        let length = try integer(UInt64.self, "the length of \(what)")
        guard length <= UInt64(remaining) else {
            throw GGUFError(
                path,
                "\(what) is \(length) bytes long, but only \(remaining) bytes follow; the file is truncated, fetch it again"
            )
        }
        let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(length)])
        offset += Int(length)
        guard let text = String(validating: part, as: UTF8.self) else {
            throw GGUFError(path, "\(what) is not UTF-8; convert the model again")
        }
        return text
    }

    /// Reads elements of an integer type.
    mutating func integers<Number: FixedWidthInteger>(
        _ type: Number.Type, count: Int, _ what: String
    ) throws -> [Number] {
        let size = MemoryLayout<Number>.size
        guard count <= remaining / size else { throw truncated(what) }
        let start = offset
        offset += count * size
        let source = bytes
        return [Number](unsafeUninitializedCapacity: count) { buffer, filled in
            for index in 0..<count {
                let number = source.loadUnaligned(fromByteOffset: start + index * size, as: Number.self)
                buffer.initializeElement(at: index, to: Number(littleEndian: number))
            }
            filled = count
        }
    }

    private func truncated(_ what: String) -> GGUFError {
        GGUFError(path, "ends at byte \(bytes.count), within \(what); the file is truncated, fetch it again")
    }
}
