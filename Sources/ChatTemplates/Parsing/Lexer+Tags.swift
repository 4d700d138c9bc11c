extension Lexer {
    /// The operators, longer ones first.
    private static let symbols = [
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">",
        "<",
        "=", ".", ":", "|", ",", ";",
    ]

    /// Reads one token inside of a tag.
    ///
    /// - Parameter brackets: The closing brackets that are awaited.
    /// - Returns: Where the token ends.
    mutating func readTagToken(_ brackets: inout [Unicode.Scalar]) throws -> Int {
        let start = position
        if let end = floatEnd(start) {
            append(.float, digits(start..<end))
            return end
        }
        if let end = integerEnd(start) {
            append(.integer, digits(start..<end))
            return end
        }
        if source[start].isNamePart {
            var end = start
            while end < source.count, source[end].isNamePart { end += 1 }
            append(.name, string(start..<end))
            return end
        }
        if source[start] == "'" || source[start] == "\"", let end = stringEnd(start) {
            append(.string, try unescaped(Array(source[start + 1..<end - 1])))
            return end
        }
        guard let symbol = Self.symbols.first(where: { matches($0, at: start) }) else {
            throw TemplateFailure.syntax("unexpected character \(quoted(String(source[start])))", line: line)
        }
        try balance(symbol, &brackets)
        append(.symbol, symbol)
        return start + symbol.unicodeScalars.count
    }

    private func balance(_ symbol: String, _ brackets: inout [Unicode.Scalar]) throws {
        switch symbol {
        case "{": brackets.append("}")
        case "(": brackets.append(")")
        case "[": brackets.append("]")
        case "}", ")", "]":
            guard let expected = brackets.popLast() else {
                throw TemplateFailure.syntax("unexpected '\(symbol)'", line: line)
            }
            guard symbol == String(expected) else {
                throw TemplateFailure.syntax("unexpected '\(symbol)', expected '\(expected)'", line: line)
            }
        default: break
        }
    }

    private func digits(_ range: Range<Int>) -> String {
        String(string(range).filter { $0 != "_" })
    }

    // MARK: - Numbers

    /// The end of digits that single underscores may separate.
    private func digitsEnd(_ start: Int, _ isDigit: (Unicode.Scalar) -> Bool) -> Int? {
        guard start < source.count, isDigit(source[start]) else { return nil }
        var end = start + 1
        while end < source.count {
            if isDigit(source[end]) {
                end += 1
            } else if source[end] == "_", end + 1 < source.count, isDigit(source[end + 1]) {
                end += 2
            } else {
                break
            }
        }
        return end
    }

    private func floatEnd(_ start: Int) -> Int? {
        if start > 0, source[start - 1] == "." { return nil }
        guard let whole = digitsEnd(start, \.isDigit) else { return nil }
        var end = whole
        if end < source.count, source[end] == ".", let fraction = digitsEnd(end + 1, \.isDigit) {
            end = fraction
        }
        if end < source.count, source[end] == "e" || source[end] == "E" {
            var exponent = end + 1
            if exponent < source.count, source[exponent] == "+" || source[exponent] == "-" { exponent += 1 }
            if let after = digitsEnd(exponent, \.isDigit) { end = after }
        }
        return end > whole ? end : nil
    }

    private func integerEnd(_ start: Int) -> Int? {
        guard source[start].isDigit else { return nil }
        guard source[start] == "0" else { return digitsEnd(start, \.isDigit) }
        if start + 1 < source.count {
            let isDigit: (Unicode.Scalar) -> Bool
            switch source[start + 1] {
            case "b", "B": isDigit = { $0 == "0" || $0 == "1" }
            case "o", "O": isDigit = { "0"..."7" ~= $0 }
            case "x", "X": isDigit = { $0.properties.isASCIIHexDigit }
            default: return digitsEnd(start) { $0 == "0" }
            }
            let first = start + 2 < source.count && source[start + 2] == "_" ? start + 3 : start + 2
            if let end = digitsEnd(first, isDigit) { return end }
        }
        return digitsEnd(start) { $0 == "0" }
    }

    // MARK: - Strings

    private func stringEnd(_ start: Int) -> Int? {
        var index = start + 1
        while index < source.count {
            if source[index] == source[start] { return index + 1 }
            index += source[index] == "\\" ? 2 : 1
        }
        return nil
    }

    /// A string without Python's escapes.
    private func unescaped(_ text: [Unicode.Scalar]) throws -> String {
        var result = String.UnicodeScalarView()
        var index = 0
        while index < text.count {
            guard text[index] == "\\", index + 1 < text.count else {
                result.append(text[index])
                index += 1
                continue
            }
            let escape = text[index + 1]
            index += 2
            if let simple = Self.simpleEscapes[escape] {
                result.append(simple)
            } else if escape == "\n" {
                continue
            } else if let count = Self.hexadecimalEscapes[escape] {
                result.append(try codePoint(text[index...].prefix(count), count))
                index += count
            } else if "0"..."7" ~= escape {
                let octal = text[(index - 1)...].prefix(3).prefix { "0"..."7" ~= $0 }
                result.append(try scalar(octal.reduce(0) { $0 * 8 + ($1.value - 48) }))
                index += octal.count - 1
            } else if escape == "N" {
                throw TemplateFailure.unsupported(
                    "characters by their names (\\N) are not supported by these chat templates; "
                        + "write the character", line: line)
            } else {
                result.append("\\")
                // Python sees the escape of a character beyond ASCII here, whose backslash the one before it takes.
                result.append(
                    contentsOf: escape.isASCII ? [escape] : Array(escape.asciiEscape.unicodeScalars))
            }
        }
        return String(result)
    }

    private static let simpleEscapes: [Unicode.Scalar: Unicode.Scalar] = [
        "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r",
        "t": "\t", "v": "\u{B}",
    ]
    private static let hexadecimalEscapes: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]

    private func codePoint(_ digits: ArraySlice<Unicode.Scalar>, _ count: Int) throws -> Unicode.Scalar {
        guard digits.count == count, digits.allSatisfy(\.properties.isASCIIHexDigit),
            let value = UInt32(digits.map { String($0) }.joined(), radix: 16)
        else { throw TemplateFailure.syntax("a string has an incomplete escape", line: line) }
        return try scalar(value)
    }

    private func scalar(_ value: UInt32) throws -> Unicode.Scalar {
        if let scalar = Unicode.Scalar(value) { return scalar }
        throw TemplateFailure.unsupported(
            "a string has an escape that is no Unicode character; surrogates are not supported by these chat "
                + "templates", line: line)
    }
}

extension Unicode.Scalar {
    var isDigit: Bool { "0"..."9" ~= self }

    /// True for what a name is made of.
    fileprivate var isNamePart: Bool {
        isASCII
            ? isDigit || "a"..."z" ~= self || "A"..."Z" ~= self || self == "_" : properties.isXIDContinue
    }

    /// `xe9`, `u4e2d` or `U0001f600`.
    fileprivate var asciiEscape: String {
        let digits = String(value, radix: 16)
        let (letter, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
        return letter + String(repeating: "0", count: width - digits.count) + digits
    }
}
