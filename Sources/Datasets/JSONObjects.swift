import JSON

/// The objects of a JSON file, one at a time: those of its lines, or the elements of the one array that it is.
struct JSONObjects {
    private enum Form {
        case lines
        /// Behind the array's opening bracket, or an element.
        case array(isFirst: Bool)
        case ended
    }

    private let reader: ByteReader
    private let path: String
    private let limit: Int
    /// True if a row may be an array, which becomes an object with an empty key.
    private let takesArrays: Bool
    private var form: Form?
    /// The line of the next byte.
    private var line = 1
    /// The bytes of the last object.
    private(set) var size = 0

    /// - Parameters:
    ///   - limit: The most bytes of an object.
    ///   - takesArrays: True if a row may be an array, which becomes an object with an empty key.
    init(_ reader: ByteReader, path: String, limit: Int = Limits.row, takesArrays: Bool = false) {
        self.reader = reader
        self.path = path
        self.limit = limit
        self.takesArrays = takesArrays
    }

    /// True if the file is an array; known once there has been an object.
    var isArray: Bool {
        if case .lines? = form { false } else { form != nil }
    }

    /// The next object, and the line on which it begins, counted from 1; `nil` at the end.
    ///
    /// - Throws: ``DatasetError`` for anything but JSON objects, and for one that is too long.
    mutating func next() throws -> (JSONObject, line: Int)? {
        if form == nil {
            try skipSpace()
            let isWhole = try reader.peek() == UInt8(ascii: "[") && !beginsLinesOfLists()
            form = isWhole ? .array(isFirst: true) : .lines
            if isArray { reader.advance() }
        }
        switch form {
        case .array(let isFirst): return try element(isFirst: isFirst)
        case .lines: return try nextLine()
        default: return nil
        }
    }

    private mutating func parsed(_ bytes: [UInt8], _ first: Int) throws -> JSONObject {
        size = bytes.count
        let value: JSONValue
        do { value = try JSONValue.parse(bytes) } catch let error as JSONError {
            throw failure(error, first, isCut: bytes.first == UInt8(ascii: "{") && !isArray)
        }
        if takesArrays, case .array = value { return JSONObject([("", value)]) }
        guard let object = value.objectValue else {
            throw DatasetError(
                path, line: first,
                isArray
                    ? "the elements of the array must be JSON objects, got \(value.typeName)"
                    : "each line must be a JSON object, got \(value.typeName)")
        }
        return object
    }

    private func failure(_ error: JSONError, _ first: Int, isCut: Bool) -> DatasetError {
        guard case .syntax(_, let line, let column, let reason) = error else {
            return DatasetError(path, line: first, "this is not JSON: \(error)")
        }
        let hint =
            isCut && reason.contains("the end of the text")
            ? "; each object must be on one line: jq -c . FILE > FILE.jsonl writes it so" : ""
        let place = isArray ? "" : "column \(column): "
        return DatasetError(path, line: first + line - 1, "this is not JSON: \(place)\(reason)\(hint)")
    }

    /// Returns true if the first line is a list of its own, of one row: its elements have labels, each another.
    private func beginsLinesOfLists() throws -> Bool {
        guard takesArrays, let elements = try? JSONValue.parse(reader.head()).arrayValue else { return false }
        let labels = elements.map { element in
            element.objectValue.flatMap { ScoreValue.first(ScoreLayout.labelKeys, of: $0) }?.stringValue
        }
        return elements.allSatisfy { $0.objectValue == nil && $0.arrayValue == nil }
            || labels.allSatisfy { $0 != nil }
                && Set(labels.map { Array(($0 ?? "").utf8) }).count == labels.count
    }

    // MARK: - Lines

    private mutating func nextLine() throws -> (JSONObject, line: Int)? {
        while try reader.peek() != nil {
            let first = line
            var bytes: [UInt8] = []
            guard try reader.take(into: &bytes, limit: limit, until: { $0 == 0x0A }) else {
                throw Limits.rowError(path, line: first, limit: limit)
            }
            if try reader.peek() != nil { reader.advance() }
            line += 1
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            return (try parsed(bytes, first), first)
        }
        return nil
    }

    private mutating func skipSpace() throws {
        while let byte = try reader.peek(), byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            reader.advance()
            if byte == 0x0A { line += 1 }
        }
    }

    // MARK: - Elements

    private mutating func element(isFirst: Bool) throws -> (JSONObject, line: Int)? {
        try skipSpace()
        let next = try reader.peek()
        if next == UInt8(ascii: "]") {
            reader.advance()
            try skipSpace()
            guard try reader.peek() == nil else {
                throw DatasetError(
                    path, line: line, "this is not JSON: something follows the end of the array")
            }
            form = .ended
            return nil
        }
        if !isFirst {
            guard next == UInt8(ascii: ",") else { throw unexpected(next, "',' or ']'") }
            reader.advance()
            try skipSpace()
        }
        form = .array(isFirst: false)
        let first = line
        return (try parsed(try elementBytes(), first), first)
    }

    private func unexpected(_ byte: UInt8?, _ expected: String) -> DatasetError {
        let found =
            byte.map { (0x21..<0x7F).contains($0) ? "'\(UnicodeScalar($0))'" : "byte \($0)" }
            ?? "the end of the file"
        return DatasetError(
            path, line: line, "this is not JSON: expected \(expected) in the array, found \(found)")
    }

    /// Quotes, brackets, commas and line ends.
    private static func isTelling(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x22, 0x0A, 0x7B, 0x7D, 0x5B, 0x5D, 0x2C: true
        default: false
        }
    }

    /// The bytes of a value, up to where its brackets are closed; whether they are JSON is for the parser to say.
    private mutating func elementBytes() throws -> [UInt8] {
        let first = line
        var bytes: [UInt8] = []
        var depth = 0
        let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
        func take(until ends: (UInt8) -> Bool) throws {
            guard try reader.take(into: &bytes, limit: limit, until: ends) else {
                throw Limits.rowError(path, line: first, limit: limit)
            }
        }
        func advance(_ byte: UInt8) {
            bytes.append(byte)
            reader.advance()
        }
        while true {
            try take(until: Self.isTelling)
            guard let byte = try reader.peek() else { throw unexpected(nil, "the end of the element") }
            switch byte {
            case 0x0A:
                advance(byte)
                line += 1
            case quote:
                advance(byte)
                // Up to the quote that ends the text; a line break in it is the parser's to refuse.
                while true {
                    try take { $0 == quote || $0 == backslash }
                    guard let byte = try reader.peek() else { throw unexpected(nil, "a closing quote") }
                    advance(byte)
                    if byte == quote { break }
                    if let escaped = try reader.peek() { advance(escaped) }
                }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                advance(byte)
                depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return bytes }
                advance(byte)
                depth -= 1
                if depth == 0 { return bytes }
            default:
                if depth == 0 { return bytes }
                advance(byte)
            }
        }
    }
}
