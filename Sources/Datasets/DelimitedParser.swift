/// Reads records of CSV (RFC 4180) or of tab-separated values as the bytes come.
///
/// A field that begins with a quote ends at the next quote that is not doubled, and may hold delimiters and line
/// breaks. Elsewhere a quote is an ordinary character. Lines end with LF, CRLF or CR; empty lines are skipped.
struct DelimitedParser {
    /// A record, with the number of the line on which it begins, counted from 1.
    struct Record: Equatable {
        /// The bytes of all fields, one after another.
        var bytes: [UInt8] = []
        /// Where each field ends.
        var ends: [Int] = []
        var line: Int

        var count: Int { ends.count }

        subscript(field: Int) -> ArraySlice<UInt8> { bytes[(field == 0 ? 0 : ends[field - 1])..<ends[field]] }
    }

    private let reader: ByteReader
    private let delimiter: UInt8
    private let path: String
    private var line = 1

    init(_ reader: ByteReader, delimiter: UInt8, path: String) {
        self.reader = reader
        self.delimiter = delimiter
        self.path = path
    }

    /// - Throws: ``DatasetError`` for a quote that is never closed, or text between a closing quote and the delimiter.
    mutating func next() throws -> Record? {
        while let byte = try reader.peek(), isLineBreak(byte) { try skipLineBreak() }
        guard try reader.peek() != nil else { return nil }
        var record = Record(line: line)
        while true {
            try readField(into: &record.bytes)
            record.ends.append(record.bytes.count)
            guard try reader.peek() == delimiter else { break }
            reader.advance()
        }
        try skipLineBreak()
        return record
    }

    private func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private mutating func skipLineBreak() throws {
        guard let byte = try reader.peek() else { return }
        reader.advance()
        line += 1
        if byte == 0x0D, try reader.peek() == 0x0A { reader.advance() }
    }

    private mutating func readField(into bytes: inout [UInt8]) throws {
        guard try reader.peek() == UInt8(ascii: "\"") else {
            let delimiter = delimiter
            return try reader.take(into: &bytes) { $0 == delimiter || $0 == 0x0A || $0 == 0x0D }
        }
        try readQuotedField(into: &bytes)
    }

    private mutating func readQuotedField(into bytes: inout [UInt8]) throws {
        let quote = UInt8(ascii: "\"")
        let opening = line
        reader.advance()
        var previous: UInt8 = 0
        while true {
            let start = bytes.count
            try reader.take(into: &bytes) { $0 == quote || $0 == 0x0A || $0 == 0x0D }
            if bytes.count > start { previous = 0 }
            guard let byte = try reader.peek() else {
                throw DatasetError(path, line: opening, "the quote that opens here is never closed")
            }
            reader.advance()
            guard byte == quote else {
                // An LF at once behind a CR ends the same line.
                if !(byte == 0x0A && previous == 0x0D) { line += 1 }
                bytes.append(byte)
                previous = byte
                continue
            }
            previous = 0
            guard try reader.peek() == quote else { break }
            bytes.append(quote)
            reader.advance()
        }
        guard let byte = try reader.peek(), byte != delimiter, !isLineBreak(byte) else { return }
        throw DatasetError(
            path, line: line, "text follows a closing quote; double the quotes inside a quoted field")
    }
}
