extension GGUFValue: Equatable {
    /// Two values are equal when their types and bytes are: a number that is not one equals itself, and texts compare by
    /// their UTF-8 bytes.
    public static func == (left: GGUFValue, right: GGUFValue) -> Bool {
        switch (left, right) {
        case (.float32(let a), .float32(let b)): a.bitPattern == b.bitPattern
        case (.float64(let a), .float64(let b)): a.bitPattern == b.bitPattern
        case (.bool(let a), .bool(let b)): a == b
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        case (.array(let a), .array(let b)): a == b
        // Beyond `Int`.
        case (.uint64(let a), .uint64(let b)): a == b
        default: left.type == right.type && left.intValue != nil && left.intValue == right.intValue
        }
    }
}

extension GGUFArray: Equatable {
    /// Two arrays are equal when their elements' types and bytes are; see ``GGUFValue``.
    public static func == (left: GGUFArray, right: GGUFArray) -> Bool {
        switch (left, right) {
        case (.float32(let a), .float32(let b)): a.map(\.bitPattern) == b.map(\.bitPattern)
        case (.float64(let a), .float64(let b)): a.map(\.bitPattern) == b.map(\.bitPattern)
        case (.bool(let a), .bool(let b)): a == b
        case (.string(let a), .string(let b)):
            a.count == b.count && zip(a, b).allSatisfy { $0.utf8.elementsEqual($1.utf8) }
        case (.array(let a), .array(let b)): a == b
        case (.uint64(let a), .uint64(let b)): a == b
        default:
            left.elementType == right.elementType && left.integers != nil
                && left.integers == right.integers
        }
    }
}
