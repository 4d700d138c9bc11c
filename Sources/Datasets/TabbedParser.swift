/// Reads records of tab-separated values, in which a quote may be a character.
///
/// Files such as GLUE's are written without quoting, others with that of CSV, and no file says which. So a line whose
/// tabs make as many fields as the header has is a record: in it a field in quotes of its own loses them, and any other
/// quote is a character. Where the number does not fit, or behind an open quote the next line's does not, the record is
/// read by RFC 4180, with tabs and line breaks in quotes, if it then fits.
struct TabbedParser {
    private struct Line {
        var bytes: [UInt8] = []
        /// The line break that ends it.
        var ending: [UInt8] = []
        /// Counted from 1.
        var number: Int
    }

    private let reader: ByteReader
    private let delimiter: UInt8
    private let path: String
    private let limit: Int
    /// Lines read ahead, from ``first`` on.
    private var pending: [Line] = []
    private var first = 0
    private var number = 0
    /// The fields of the header.
    private var expected: Int?

    /// - Parameter limit: The most bytes of a record.
    init(_ reader: ByteReader, delimiter: UInt8 = 0x09, path: String, limit: Int = Limits.row) {
        self.reader = reader
        self.delimiter = delimiter
        self.path = path
        self.limit = limit
    }

    /// The next record; the first is the header.
    ///
    /// - Throws: ``DatasetError`` for a record that is too long.
    mutating func next() throws -> DelimitedRecord? {
        while try line(0)?.bytes.isEmpty == true { drop(1) }
        guard let line = try line(0) else { return nil }
        let record = try record(line)
        if expected == nil { expected = record.count }
        return record
    }

    private mutating func record(_ line: Line) throws -> DelimitedRecord {
        var plain = DelimitedRecord(line: line.number)
        let isOpen = try split(line, into: &plain)
        let fits = expected.map { $0 == plain.count } ?? true
        var needsQuotes = !fits && line.bytes.contains(quote)
        if fits, isOpen, let following = try self.line(1) {
            needsQuotes = 1 + following.bytes.count { $0 == delimiter } != plain.count
        }
        if needsQuotes, let (quoted, lines) = try quotedRecord(), expected.map({ $0 == quoted.count }) ?? true
        {
            drop(lines)
            return quoted
        }
        drop(1)
        return plain
    }

    private var quote: UInt8 { UInt8(ascii: "\"") }

    // MARK: - Fields

    /// The fields of a line by itself.
    ///
    /// - Returns: True if one begins with a quote that it does not close.
    private func split(_ line: Line, into record: inout DelimitedRecord) throws -> Bool {
        var isOpen = false
        for field in line.bytes.split(
            separator: delimiter, maxSplits: Limits.columns, omittingEmptySubsequences: false)
        {
            if field.first == quote, !appendUnquoted(field, to: &record.bytes) {
                isOpen = true
                record.bytes += field
            } else if field.first != quote {
                record.bytes += field
            }
            record.ends.append(record.bytes.count)
        }
        guard record.count <= Limits.columns else {
            throw DatasetError(path, line: record.line, "there are more than \(Limits.columns) columns")
        }
        return isOpen
    }

    /// Appends what is in the quotes of a field that is nothing but one quoted text.
    ///
    /// - Returns: True if it is; otherwise nothing is appended.
    private func appendUnquoted(_ field: ArraySlice<UInt8>, to bytes: inout [UInt8]) -> Bool {
        guard field.count >= 2, field.last == quote else { return false }
        let before = bytes.count
        var rest = field.dropFirst().dropLast()
        while let place = rest.firstIndex(of: quote) {
            // Quotes inside come in twos.
            guard place + 1 < rest.endIndex, rest[place + 1] == quote else {
                bytes.removeLast(bytes.count - before)
                return false
            }
            bytes += rest[...place]
            rest = rest[(place + 2)...]
        }
        bytes += rest
        return true
    }

    /// The record that begins with the next line by RFC 4180.
    ///
    /// - Returns: It, and how many lines it takes; `nil` where its quotes are not written so.
    private mutating func quotedRecord() throws -> (record: DelimitedRecord, lines: Int)? {
        guard var line = try line(0) else { return nil }
        var record = DelimitedRecord(line: line.number)
        var (lines, place) = (1, 0)
        while true {
            if place < line.bytes.count, line.bytes[place] == quote {
                place += 1
                while true {
                    guard let end = line.bytes[place...].firstIndex(of: quote) else {
                        record.bytes += line.bytes[place...] + line.ending
                        guard record.bytes.count <= limit, let next = try self.line(lines) else { return nil }
                        (line, place) = (next, 0)
                        lines += 1
                        continue
                    }
                    record.bytes += line.bytes[place..<end]
                    place = end + 1
                    guard place < line.bytes.count, line.bytes[place] == quote else { break }
                    record.bytes.append(quote)
                    place += 1
                }
            } else {
                let end = line.bytes[place...].firstIndex(of: delimiter) ?? line.bytes.count
                record.bytes += line.bytes[place..<end]
                place = end
            }
            record.ends.append(record.bytes.count)
            guard place < line.bytes.count else { return (record, lines) }
            guard line.bytes[place] == delimiter, record.count < Limits.columns else { return nil }
            place += 1
        }
    }

    // MARK: - Lines

    /// A line that is still to be read, counted from the next; `nil` where there are no more.
    private mutating func line(_ offset: Int) throws -> Line? {
        while pending.count - first <= offset {
            guard try reader.peek() != nil else { return nil }
            number += 1
            var line = Line(number: number)
            guard try reader.take(into: &line.bytes, limit: limit, until: { $0 == 0x0A || $0 == 0x0D }) else {
                throw Limits.rowError(path, line: number, limit: limit)
            }
            if let byte = try reader.peek() {
                reader.advance()
                line.ending = [byte]
                if byte == 0x0D, try reader.peek() == 0x0A {
                    reader.advance()
                    line.ending.append(0x0A)
                }
            }
            pending.append(line)
        }
        return pending[first + offset]
    }

    private mutating func drop(_ count: Int) {
        first += count
        // Now and then, so that no line is moved often.
        if first * 2 > pending.count {
            pending.removeFirst(first)
            first = 0
        }
    }
}
