/// Turns the bytes of a data file into rows, one at a time.
protocol RecordReader {
    /// True if a row so far had a label field.
    var hasLabels: Bool { get }
    /// True if rows have a second text; known once there has been a row.
    var hasPairs: Bool { get }
    /// True if a row so far had a JSON array as its label, or the label's column holds lists.
    var hasArrays: Bool { get }
    /// The columns' names; known once there has been a row.
    var columnNames: [String] { get }
    /// The names of the classes by their numbers, where the file itself has them.
    var classNames: [String]? { get }

    /// - Returns: The next row; `nil` at the end.
    /// - Throws: ``DatasetError``.
    mutating func next() throws -> TextRow?
}

extension RecordReader {
    var classNames: [String]? { nil }
}

/// Rows of CSV or tab-separated values.
struct DelimitedReader: RecordReader {
    private enum Parser {
        case quoted(DelimitedParser)
        case tabbed(TabbedParser)

        mutating func next() throws -> DelimitedRecord? {
            switch self {
            case .quoted(var parser):
                defer { self = .quoted(parser) }
                return try parser.next()
            case .tabbed(var parser):
                defer { self = .tabbed(parser) }
                return try parser.next()
            }
        }
    }

    private(set) var columnNames: [String] = []
    private var columns: Columns?
    private let reader: ByteReader
    private let path: String
    private let options: DatasetOptions
    private var delimiter: UInt8
    private var parser: Parser

    /// - Parameter isTabbed: True if by the file's name tabs are the delimiter.
    init(_ reader: ByteReader, isTabbed: Bool, path: String, options: DatasetOptions) {
        self.reader = reader
        self.path = path
        self.options = options
        let form = options.delimited
        delimiter = form.delimiter ?? (isTabbed ? 0x09 : UInt8(ascii: ","))
        parser =
            isTabbed && form.quoting == nil
            ? .tabbed(TabbedParser(reader, delimiter: delimiter, path: path))
            : .quoted(
                DelimitedParser(reader, delimiter: delimiter, quoting: form.quoting ?? .rfc4180, path: path))
    }

    var hasLabels: Bool { columns?.label != nil }
    var hasPairs: Bool { columns?.pair != nil }
    var hasArrays: Bool { false }

    mutating func next() throws -> TextRow? {
        let columns = try self.columns ?? readHeader()
        guard let record = try parser.next() else { return nil }
        guard record.count == columnNames.count else {
            throw DatasetError(
                path, line: record.line,
                "\(record.count) column\(record.count == 1 ? "" : "s") where the header has "
                    + "\(columnNames.count) (\(list(columnNames))); quote fields that hold the delimiter")
        }
        func value(_ index: Int) throws -> String { try string(record[index], line: record.line) }
        return try TextRow(
            text: value(columns.text), pair: columns.pair.map(value), label: columns.label.map(value),
            line: record.line
        ).checked(path, options)
    }

    private func string(_ bytes: ArraySlice<UInt8>, line: Int) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DatasetError(path, line: line, "the bytes are not UTF-8; convert the file to UTF-8")
        }
        return text
    }
}

// MARK: - The header

extension DelimitedReader {
    private mutating func readHeader() throws -> Columns {
        let head = try reader.head()
        do {
            guard var header = try parser.next() else {
                throw DatasetError(path, "the file is empty; it needs a header and rows")
            }
            if let named = separator(header) {
                if options.delimited.delimiter == nil { takeDelimiter(named) }
                guard let next = try parser.next() else {
                    throw DatasetError(path, "the file is empty; it needs a header and rows")
                }
                header = next
            }
            columnNames = try (0..<header.count).map { try string(header[$0], line: header.line) }
            let columns = try Columns(names: columnNames, options: options, path: path)
            self.columns = columns
            return columns
        } catch let error as DatasetError {
            guard let other = otherDelimiter(head) else { throw error }
            throw DatasetError(
                path,
                "the columns seem to be separated by '\(DelimitedFormat.name(of: other))', not by "
                    + "'\(DelimitedFormat.name(of: delimiter))'; pass --delimiter '\(DelimitedFormat.name(of: other))'"
            )
        }
    }

    /// The delimiter of a first line such as `sep=;`, by which spreadsheets say it.
    private func separator(_ header: DelimitedRecord) -> UInt8? {
        var line: [UInt8] = []
        for field in 0..<min(header.count, 3) { line += (field == 0 ? [] : [delimiter]) + header[field] }
        guard header.count < 3, line.count == 5, line.starts(with: "sep=".utf8),
            !"\"\r\n".utf8.contains(line[4])
        else { return nil }
        return line[4]
    }

    private mutating func takeDelimiter(_ delimiter: UInt8) {
        self.delimiter = delimiter
        if case .quoted(var parser) = parser {
            parser.delimiter = delimiter
            self.parser = .quoted(parser)
        }
    }

    /// The delimiter by which the first line has the columns that are wanted, where that is another one.
    private func otherDelimiter(_ head: [UInt8]) -> UInt8? {
        [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09, UInt8(ascii: "|")].first { other in
            guard other != delimiter, head.contains(other) else { return false }
            let names = head.split(separator: other, omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self).trimmingQuotes()
            }
            return (try? Columns(names: names, options: options, path: path)) != nil
        }
    }
}

extension String {
    /// Without the quotes around it.
    fileprivate func trimmingQuotes() -> String {
        count >= 2 && hasPrefix("\"") && hasSuffix("\"") ? String(dropFirst().dropLast()) : self
    }
}
