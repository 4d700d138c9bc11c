import Storage

/// A recursive-descent parser over UTF-8 bytes; its recursion ends at `JSONValue.maximumNesting`.
struct JSONParser {
    let bytes: UnsafeRawBufferPointer
    let dialect: JSONDialect
    /// The offset of the next byte to read.
    var position = 0
    private var depth = 0

    init(_ bytes: UnsafeRawBufferPointer, _ dialect: JSONDialect = .standard) {
        self.bytes = bytes
        self.dialect = dialect
    }

    /// The byte at the current position; 0, which no JSON token has, at the end.
    var current: UInt8 { position < bytes.count ? bytes[position] : 0 }

    mutating func parseDocument() throws -> JSONValue {
        // A byte order mark says nothing that UTF-8 does not.
        position = ByteOrderMark.length(in: bytes)
        skipWhitespace()
        let value = try parseValue()
        skipWhitespace()
        if position < bytes.count { throw failure("expected the end after the value, found \(found)") }
        return value
    }

    private mutating func parseValue() throws -> JSONValue {
        switch current {
        case UInt8(ascii: "{"): return try nested { try $0.parseObject() }
        case UInt8(ascii: "["): return try nested { try $0.parseArray() }
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "-") where dialect == .python && bytes[position...].starts(with: "-Infinity".utf8):
            return try parseWord("-Infinity", .number(-.infinity))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case UInt8(ascii: "N") where dialect == .python: return try parseWord("NaN", .number(.nan))
        case UInt8(ascii: "I") where dialect == .python:
            return try parseWord("Infinity", .number(.infinity))
        case UInt8(ascii: "N"), UInt8(ascii: "I"):
            throw failure("expected a value, found \(found); NaN and Infinity are not JSON")
        default: throw failure("expected a value, found \(found)")
        }
    }

    private mutating func nested(_ body: (inout JSONParser) throws -> JSONValue) throws -> JSONValue {
        guard depth < JSONValue.maximumNesting else {
            throw failure("nested more than \(JSONValue.maximumNesting) levels deep")
        }
        depth += 1
        defer { depth -= 1 }
        return try body(&self)
    }

    private mutating func parseArray() throws -> JSONValue {
        position += 1  // [
        var elements: [JSONValue] = []
        skipWhitespace()
        if take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            skipWhitespace()
            elements.append(try parseValue())
            skipWhitespace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            guard take(UInt8(ascii: ",")) else {
                throw failure("expected ',' or ']' in an array, found \(found)")
            }
        }
    }

    private mutating func parseObject() throws -> JSONValue {
        position += 1  // {
        var object = JSONObject()
        skipWhitespace()
        if take(UInt8(ascii: "}")) { return .object(object) }
        while true {
            skipWhitespace()
            let start = position
            guard current == UInt8(ascii: "\"") else {
                throw failure("expected a key in double quotes, found \(found)")
            }
            let key = try parseString()
            skipWhitespace()
            guard take(UInt8(ascii: ":")) else { throw failure("expected ':' after a key, found \(found)") }
            skipWhitespace()
            let value = try parseValue()
            if !object.insertNew(key, value) {
                guard dialect == .python else {
                    throw failure("the key \(JSONValue.string(key).serialized()) occurs twice", at: start)
                }
                object[key] = value
            }
            skipWhitespace()
            if take(UInt8(ascii: "}")) { return .object(object) }
            guard take(UInt8(ascii: ",")) else {
                throw failure("expected ',' or '}' in an object, found \(found)")
            }
            if object.count == JSONIntegers.fewest, var integers = JSONIntegers(object) {
                if try parseIntegers(into: &integers) { return .object(JSONObject(integers)) }
                object = JSONObject(integers)
            }
        }
    }

    private mutating func parseWord(_ word: StaticString, _ value: JSONValue) throws -> JSONValue {
        let start = position
        for offset in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[offset]) else {
                throw failure("expected a value; did you mean \(word)?", at: start)
            }
        }
        return value
    }
}

// MARK: - Bytes and places

extension JSONParser {
    mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// Steps over the byte if it comes next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    /// A description of what is at the current position, for an error message.
    var found: String {
        guard position < bytes.count else { return "the end of the text" }
        let byte = bytes[position]
        if byte >= 0x21, byte < 0x7F { return "'\(Character(Unicode.Scalar(byte)))'" }
        let hex = String(byte, radix: 16, uppercase: true)
        return "byte 0x\(byte < 16 ? "0" : "")\(hex)"
    }

    /// An error at a byte offset (by default the current one), with its line and column.
    func failure(_ reason: String, at offset: Int? = nil) -> JSONError {
        var (line, column) = (1, 1)
        for byte in bytes.prefix(offset ?? position) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {  // not a continuation byte: one code point more
                column += 1
            }
        }
        return .syntax(file: nil, line: line, column: column, reason: reason)
    }
}
