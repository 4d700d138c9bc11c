#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension JSONParser {
    /// Reads a string whose opening quote is at the current position.
    mutating func parseString() throws -> String {
        position += 1  // the opening quote
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                defer { position += 1 }
                return try decode(start..<position)
            case UInt8(ascii: "\\"):
                return try parseEscapedString(from: start)
            case 0..<0x20:
                throw failure("control characters in a string must be escaped, found \(found)")
            default:
                position += 1
            }
        }
        throw failure("the string has no closing quote", at: start - 1)
    }

    /// The slow path: continues at the first backslash of a string that began at `start`.
    private mutating func parseEscapedString(from start: Int) throws -> String {
        var text = try decode(start..<position)
        var plainStart = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                text += try decode(plainStart..<position)
                position += 1
                return text
            case UInt8(ascii: "\\"):
                text += try decode(plainStart..<position)
                text.unicodeScalars.append(try parseEscape())
                plainStart = position
            case 0..<0x20:
                throw failure("control characters in a string must be escaped, found \(found)")
            default:
                position += 1
            }
        }
        throw failure("the string has no closing quote", at: start - 1)
    }

    private mutating func parseEscape() throws -> Unicode.Scalar {
        let start = position
        position += 1  // the backslash
        let letter = current
        position += 1
        switch letter {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try parseUnicodeEscape(from: start)
        default:
            throw failure(
                "unknown escape in a string; known are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u", at: start)
        }
    }

    /// Reads `XXXX`, or `XXXX\uXXXX` where the first is half of a surrogate pair.
    private mutating func parseUnicodeEscape(from start: Int) throws -> Unicode.Scalar {
        let unit = try parseHex4(from: start)
        if let scalar = Unicode.Scalar(unit) { return scalar }
        if unit < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
            let low = try parseHex4(from: start)
            if 0xDC00...0xDFFF ~= low,
                let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00))
            {
                return scalar
            }
        }
        throw failure("half of a surrogate pair in a \\u escape", at: start)
    }

    private mutating func parseHex4(from start: Int) throws -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch current {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = current - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = current - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = current - UInt8(ascii: "A") + 10
            default: throw failure("\\u needs four hexadecimal digits", at: start)
            }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    /// The text of a range of bytes, which must be UTF-8.
    private func decode(_ range: Range<Int>) throws -> String {
        let slice = UnsafeRawBufferPointer(rebasing: bytes[range])
        var text = String(decoding: slice, as: UTF8.self)
        // Decoding repairs invalid UTF-8, so the bytes come back unchanged exactly if they were valid.
        let valid = text.withUTF8 { decoded in
            guard decoded.count == slice.count else { return false }
            guard let a = decoded.baseAddress, let b = slice.baseAddress else { return true }
            return memcmp(a, b, slice.count) == 0
        }
        if valid { return text }
        let unchanged = zip(text.utf8, slice).prefix { $0 == $1 }.count
        throw failure("the text is not valid UTF-8", at: range.lowerBound + unchanged)
    }
}
