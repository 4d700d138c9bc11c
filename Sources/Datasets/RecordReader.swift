/// Turns the bytes of a data file into rows, one at a time.
protocol RecordReader {
    /// Whether a row so far had a place for a label.
    var hasLabels: Bool { get }
    /// Whether rows have a second text; known once there has been a row.
    var hasPairs: Bool { get }
    /// Whether a row so far had a JSON array as its label, or the label's column holds lists.
    var hasArrays: Bool { get }
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
    private var columns: Columns?
    private let path: String
    private let options: DatasetOptions
    private var parser: DelimitedParser
    private var names: [String] = []

    init(_ reader: ByteReader, delimiter: UInt8, path: String, options: DatasetOptions) {
        self.path = path
        self.options = options
        parser = DelimitedParser(reader, delimiter: delimiter, path: path)
    }

    var hasLabels: Bool { columns?.label != nil }
    var hasPairs: Bool { columns?.pair != nil }
    var hasArrays: Bool { false }

    mutating func next() throws -> TextRow? {
        let columns = try self.columns ?? readHeader()
        guard let record = try parser.next() else { return nil }
        guard record.count == names.count else {
            throw DatasetError(
                path, line: record.line,
                "\(record.count) column\(record.count == 1 ? "" : "s") where the header has "
                    + "\(names.count) (\(list(names))); quote fields that hold the delimiter")
        }
        func value(_ index: Int) throws -> String { try string(record[index], line: record.line) }
        return try TextRow(
            text: value(columns.text), pair: columns.pair.map(value), label: columns.label.map(value),
            line: record.line
        ).checked(path, options)
    }

    private mutating func readHeader() throws -> Columns {
        guard let header = try parser.next() else {
            throw DatasetError(path, "the file is empty; it needs a header and rows")
        }
        names = try (0..<header.count).map { try string(header[$0], line: header.line) }
        for (index, name) in names.enumerated()
        where names[..<index].contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
            throw DatasetError(path, line: header.line, "the column '\(name)' occurs twice")
        }
        let columns = try Columns(names: names, options: options, path: path)
        self.columns = columns
        return columns
    }

    private func string(_ bytes: ArraySlice<UInt8>, line: Int) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DatasetError(path, line: line, "the bytes are not UTF-8; convert the file to UTF-8")
        }
        return text
    }
}
