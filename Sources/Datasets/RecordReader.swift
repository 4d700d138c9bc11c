import JSON

/// Turns the bytes of a data file into rows, one at a time.
protocol RecordReader {
    /// Whether rows have a label, and a second text; known once there has been a row.
    var columns: Columns? { get }

    /// - Returns: The next row; `nil` at the end.
    /// - Throws: ``DatasetError``.
    mutating func next() throws -> TextRow?
}

/// Rows of CSV or tab-separated values.
struct DelimitedReader: RecordReader {
    private(set) var columns: Columns?
    private let path: String
    private let options: DatasetOptions
    private var parser: DelimitedParser
    private var names: [String] = []

    init(_ reader: ByteReader, delimiter: UInt8, path: String, options: DatasetOptions) {
        self.path = path
        self.options = options
        parser = DelimitedParser(reader, delimiter: delimiter, path: path)
    }

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
        ).checked(path)
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

/// Rows of a JSON object a line.
struct JSONLinesReader: RecordReader {
    private(set) var columns: Columns?
    private let reader: ByteReader
    private let path: String
    private let options: DatasetOptions
    private var names: [String] = []
    private var line = 0

    init(_ reader: ByteReader, path: String, options: DatasetOptions) {
        self.reader = reader
        self.path = path
        self.options = options
    }

    mutating func next() throws -> TextRow? {
        while try reader.peek() != nil {
            var bytes: [UInt8] = []
            try reader.take(into: &bytes) { $0 == 0x0A }
            if try reader.peek() != nil { reader.advance() }
            line += 1
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            return try row(bytes)
        }
        return nil
    }

    private mutating func row(_ bytes: [UInt8]) throws -> TextRow {
        let object = try object(bytes)
        if columns == nil {
            names = object.keys
            columns = try Columns(names: names, options: options, path: path)
        }
        guard let columns else { throw DatasetError(path, line: line, "the columns are unknown") }
        return try TextRow(
            text: text(columns.text, of: object), pair: columns.pair.map { try text($0, of: object) },
            label: columns.label.map { try label(value($0, of: object)) }, line: line
        ).checked(path)
    }

    private func object(_ bytes: [UInt8]) throws -> JSONObject {
        let value: JSONValue
        do { value = try JSONValue.parse(bytes) } catch let error as JSONError {
            throw DatasetError(path, line: line, "this is not JSON: \(error)")
        }
        guard let object = value.objectValue else {
            throw DatasetError(
                path, line: line, "a JSON object must stand on each line, got \(value.typeName)")
        }
        return object
    }

    private func value(_ column: Int, of object: JSONObject) throws -> JSONValue {
        guard let value = object[names[column]] else {
            throw DatasetError(
                path, line: line, "the key '\(names[column])' is missing; every line needs it")
        }
        return value
    }

    private func text(_ column: Int, of object: JSONObject) throws -> String {
        let value = try value(column, of: object)
        guard let text = value.stringValue else {
            throw DatasetError(
                path, line: line, "'\(names[column])' must be a string, got \(value.typeName)")
        }
        return text
    }

    private func label(_ value: JSONValue) throws -> String {
        if let name = value.stringValue { return name }
        if case .integer(let number) = value { return String(number) }
        throw DatasetError(
            path, line: line, "the label must be a string or an integer, got \(value.typeName)")
    }
}
