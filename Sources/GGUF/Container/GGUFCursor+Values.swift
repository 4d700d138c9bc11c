extension GGUFCursor {
    /// Arrays may hold arrays, but not without end.
    private static let deepest = 8

    /// Reads a metadata value.
    ///
    /// - Parameter key: its key, for errors.
    mutating func value(of key: String) throws -> GGUFValue {
        let what = "the value of key \(quoted(key))"
        switch try type(of: key) {
        case .uint8: return .uint8(try integer(UInt8.self, what))
        case .int8: return .int8(try integer(Int8.self, what))
        case .uint16: return .uint16(try integer(UInt16.self, what))
        case .int16: return .int16(try integer(Int16.self, what))
        case .uint32: return .uint32(try integer(UInt32.self, what))
        case .int32: return .int32(try integer(Int32.self, what))
        case .float32: return .float32(Float(bitPattern: try integer(UInt32.self, what)))
        case .bool: return .bool(try truth(integer(UInt8.self, what), key))
        case .string: return .string(try string(what))
        case .array: return .array(try array(of: key, what, depth: 1))
        case .uint64: return .uint64(try integer(UInt64.self, what))
        case .int64: return .int64(try integer(Int64.self, what))
        case .float64: return .float64(Double(bitPattern: try integer(UInt64.self, what)))
        }
    }

    private mutating func type(of key: String) throws -> GGUFValueType {
        let number = try integer(UInt32.self, "the type of key \(quoted(key))")
        guard let type = GGUFValueType(rawValue: number) else {
            throw GGUFError(
                path, key: key,
                "its type has the number \(number), which is unknown; the file is damaged or newer than this program"
            )
        }
        return type
    }

    private func truth(_ byte: UInt8, _ key: String) throws -> Bool {
        guard byte < 2 else {
            throw GGUFError(
                path, key: key, "a truth value is stored as \(byte), not 0 or 1; the file is damaged")
        }
        return byte == 1
    }

    private mutating func array(of key: String, _ what: String, depth: Int) throws -> GGUFArray {
        guard depth <= Self.deepest else {
            throw GGUFError(path, key: key, "arrays within arrays go deeper than \(Self.deepest) levels")
        }
        let type = try type(of: key)
        let count = try count("the number of elements of key \(quoted(key))", smallest: type.smallestSize)
        switch type {
        case .uint8: return .uint8(try integers(UInt8.self, count: count, what))
        case .int8: return .int8(try integers(Int8.self, count: count, what))
        case .uint16: return .uint16(try integers(UInt16.self, count: count, what))
        case .int16: return .int16(try integers(Int16.self, count: count, what))
        case .uint32: return .uint32(try integers(UInt32.self, count: count, what))
        case .int32: return .int32(try integers(Int32.self, count: count, what))
        case .float32:
            return .float32(try integers(UInt32.self, count: count, what).map(Float.init(bitPattern:)))
        case .bool: return .bool(try integers(UInt8.self, count: count, what).map { try truth($0, key) })
        case .string:
            let element = "an element of key \(quoted(key))"
            return .string(try (0..<count).map { _ in try string(element) })
        case .array: return .array(try (0..<count).map { _ in try array(of: key, what, depth: depth + 1) })
        case .uint64: return .uint64(try integers(UInt64.self, count: count, what))
        case .int64: return .int64(try integers(Int64.self, count: count, what))
        case .float64:
            return .float64(try integers(UInt64.self, count: count, what).map(Double.init(bitPattern:)))
        }
    }
}
