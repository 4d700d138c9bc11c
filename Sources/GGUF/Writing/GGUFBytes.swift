/// The bytes of a GGUF file's header, as they are put together.
struct GGUFBytes {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ bytes: [UInt8]) { self.bytes += bytes }

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ text: String) {
        append(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// Appends a value without its type.
    mutating func append(_ value: GGUFValue) {
        switch value {
        case .uint8(let number): append(number)
        case .int8(let number): append(number)
        case .uint16(let number): append(number)
        case .int16(let number): append(number)
        case .uint32(let number): append(number)
        case .int32(let number): append(number)
        case .float32(let number): append(number.bitPattern)
        case .bool(let truth): append(UInt8(truth ? 1 : 0))
        case .string(let text): append(text)
        case .array(let array): append(array)
        case .uint64(let number): append(number)
        case .int64(let number): append(number)
        case .float64(let number): append(number.bitPattern)
        }
    }

    /// Appends an array: the type of its elements, their number, the elements.
    mutating func append(_ array: GGUFArray) {
        append(array.elementType.rawValue)
        append(UInt64(array.count))
        switch array {
        case .uint8(let values): for value in values { append(value) }
        case .int8(let values): for value in values { append(value) }
        case .uint16(let values): for value in values { append(value) }
        case .int16(let values): for value in values { append(value) }
        case .uint32(let values): for value in values { append(value) }
        case .int32(let values): for value in values { append(value) }
        case .float32(let values): for value in values { append(value.bitPattern) }
        case .bool(let values): for value in values { append(UInt8(value ? 1 : 0)) }
        case .string(let values): for value in values { append(value) }
        case .array(let values): for value in values { append(value) }
        case .uint64(let values): for value in values { append(value) }
        case .int64(let values): for value in values { append(value) }
        case .float64(let values): for value in values { append(value.bitPattern) }
        }
    }
}
