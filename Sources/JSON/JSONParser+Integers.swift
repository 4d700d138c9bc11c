extension JSONParser {
    /// Reads further members of an object while their values are whole numbers, up to and with its closing brace.
    ///
    /// - Returns: False where a member is of another kind; it is the next to read.
    mutating func parseIntegers(into integers: inout JSONIntegers) throws -> Bool {
        // Places are counted in 32 bits.
        guard bytes.count < Int(UInt32.max) else { return false }
        while true {
            skipWhitespace()
            let start = position
            guard current == UInt8(ascii: "\"") else { return false }
            let plain = plainKey()
            var escaped = plain == nil ? try parseString() : ""
            skipWhitespace()
            guard take(UInt8(ascii: ":")) else { throw failure("expected ':' after a key, found \(found)") }
            skipWhitespace()
            guard let value = try wholeNumber() else {
                position = start
                return false
            }
            let isNew =
                plain.map { integers.append(UnsafeRawBufferPointer(rebasing: bytes[$0]), value) }
                ?? escaped.withUTF8 { integers.append(UnsafeRawBufferPointer($0), value) }
            guard isNew else {
                // What a key that occurs twice means is decided elsewhere.
                position = start
                return false
            }
            skipWhitespace()
            if take(UInt8(ascii: "}")) { return true }
            guard take(UInt8(ascii: ",")) else {
                throw failure("expected ',' or '}' in an object, found \(found)")
            }
        }
    }

    /// Steps over a key that is written as it is, without escapes, and is valid UTF-8.
    ///
    /// - Returns: The range of its bytes; `nil` for any other, and nothing was stepped over.
    private mutating func plainKey() -> Range<Int>? {
        var place = position + 1
        var bits: UInt8 = 0
        while place < bytes.count {
            let byte = bytes[place]
            if byte == UInt8(ascii: "\"") { break }
            if byte < 0x20 || byte == UInt8(ascii: "\\") { return nil }
            bits |= byte
            place &+= 1
        }
        let range = position + 1..<place
        guard place < bytes.count, bits < 0x80 || isUTF8(range) else { return nil }
        position = place + 1
        return range
    }

    private func isUTF8(_ range: Range<Int>) -> Bool {
        String(validating: bytes[range], as: UTF8.self) != nil
    }

    /// Steps over a whole number; `nil` where there is another value.
    private mutating func wholeNumber() throws -> Int? {
        let start = position
        var value = 0
        while position < bytes.count, position &- start < 10 {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            value = value &* 10 &+ Int(digit)
            position &+= 1
        }
        let length = position - start
        let isPlain =
            length > 0 && length < 10 && (length == 1 || bytes[start] != UInt8(ascii: "0"))
            && current != UInt8(ascii: ".") && current | 0x20 != UInt8(ascii: "e")
        if isPlain { return value }
        position = start
        guard current == UInt8(ascii: "-") || current &- UInt8(ascii: "0") <= 9,
            case .integer(let value) = try parseNumber()
        else { return nil }
        return value
    }
}
