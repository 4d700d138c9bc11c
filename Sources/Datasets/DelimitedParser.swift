/// A record of CSV or TSV, with the number of the line on which it begins, counted from 1.
struct DelimitedRecord: Equatable {
    /// The bytes of all fields, one after another.
    var bytes: [UInt8] = []
    /// The end of each field.
    var ends: [Int] = []
    var line: Int

    var count: Int { ends.count }

    subscript(field: Int) -> ArraySlice<UInt8> { bytes[(field == 0 ? 0 : ends[field - 1])..<ends[field]] }
}

/// Reads records of CSV (RFC 4180) as the bytes come.
///
/// A field that begins with a quote ends at the next quote that is not doubled, and may hold delimiters and line
/// breaks. Elsewhere a quote is an ordinary character, and everywhere where the quoting is off. Lines end with LF, CRLF
/// or CR; empty lines are skipped.
struct DelimitedParser {
    let reader: ByteReader
    var delimiter: UInt8
    let quoting: DelimitedFormat.Quoting
    private let path: String
    private let limit: Int
    private var line = 1

    /// - Parameter limit: The most bytes of a record.
    init(
        _ reader: ByteReader, delimiter: UInt8, quoting: DelimitedFormat.Quoting = .rfc4180, path: String,
        limit: Int = Limits.row
    ) {
        self.reader = reader
        self.delimiter = delimiter
        self.quoting = quoting
        self.path = path
        self.limit = limit
    }

    /// - Throws: ``DatasetError`` for a quote that is never closed, text between a closing quote and the delimiter, and a
    ///   record that is too long.
    mutating func next() throws -> DelimitedRecord? {
        while let byte = try reader.peek(), isLineBreak(byte) { try skipLineBreak() }
        guard try reader.peek() != nil else { return nil }
        var record = DelimitedRecord(line: line)
        while true {
            try readField(into: &record)
            record.ends.append(record.bytes.count)
            guard record.count <= Limits.columns else {
                throw DatasetError(path, line: record.line, "there are more than \(Limits.columns) columns")
            }
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

    private func take(into record: inout DelimitedRecord, until ends: (UInt8) -> Bool) throws {
        guard try reader.take(into: &record.bytes, limit: limit, until: ends) else {
            throw Limits.rowError(path, line: record.line, limit: limit)
        }
    }

    private mutating func readField(into record: inout DelimitedRecord) throws {
        guard quoting == .rfc4180, try reader.peek() == UInt8(ascii: "\"") else {
            let delimiter = delimiter
            return try take(into: &record) { $0 == delimiter || $0 == 0x0A || $0 == 0x0D }
        }
        try readQuotedField(into: &record)
    }

    private mutating func readQuotedField(into record: inout DelimitedRecord) throws {
        let quote = UInt8(ascii: "\"")
        let opening = line
        reader.advance()
        var previous: UInt8 = 0
        while true {
            let start = record.bytes.count
            try take(into: &record) { $0 == quote || $0 == 0x0A || $0 == 0x0D }
            if record.bytes.count > start { previous = 0 }
            guard let byte = try reader.peek() else {
                throw DatasetError(
                    path, line: opening, "the quote that opens here is never closed; close it\(Self.advice)")
            }
            reader.advance()
            guard byte == quote else {
                // An LF at once behind a CR ends the same line.
                if !(byte == 0x0A && previous == 0x0D) { line += 1 }
                record.bytes.append(byte)
                previous = byte
                continue
            }
            previous = 0
            guard try reader.peek() == quote else { break }
            record.bytes.append(quote)
            reader.advance()
        }
        guard let byte = try reader.peek(), byte != delimiter, !isLineBreak(byte) else { return }
        let place = opening == line ? "" : " on line \(line)"
        throw DatasetError(
            path, line: opening,
            "the quote that opens here is closed\(place) with text behind it; double the quotes inside a quoted field"
                + Self.advice)
    }

    private static let advice = ", or pass --quoting none where quotes are characters"
}
