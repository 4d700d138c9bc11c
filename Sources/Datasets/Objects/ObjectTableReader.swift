import JSON

/// Rows of CSV or tab-separated values as objects of texts, by the names of the header.
struct ObjectTableReader: ObjectReader {
    private enum Parser {
        case quoted(DelimitedParser)
        case tabbed(TabbedParser)
    }

    private let path: String
    private var parser: Parser
    private var names: [String] = []

    /// - Parameter isTabbed: True if by the file's name tabs are the delimiter.
    init(_ reader: ByteReader, isTabbed: Bool, path: String, format: DelimitedFormat) {
        self.path = path
        let delimiter = format.delimiter ?? (isTabbed ? 0x09 : UInt8(ascii: ","))
        parser =
            isTabbed && format.quoting == nil
            ? .tabbed(TabbedParser(reader, delimiter: delimiter, path: path))
            : .quoted(
                DelimitedParser(reader, delimiter: delimiter, quoting: format.quoting ?? .rfc4180, path: path)
            )
    }

    mutating func next() throws -> ObjectRow? {
        if names.isEmpty {
            guard let header = try record() else {
                throw DatasetError(path, "the file is empty; it needs a header and rows")
            }
            let found = try (0..<header.count).map { try text(header[$0], header.line) }
            var seen: Set<[UInt8]> = []
            if let twice = found.first(where: { !seen.insert(Array($0.utf8)).inserted }) {
                throw DatasetError(path, "the column '\(shown(twice))' occurs twice; rename one of the two")
            }
            names = found
        }
        guard let record = try record() else { return nil }
        guard record.count == names.count else {
            throw DatasetError(
                path, line: record.line,
                "\(record.count) column\(record.count == 1 ? "" : "s") where the header has \(names.count) "
                    + "(\(list(names))); quote fields that hold the delimiter, or name it with --delimiter")
        }
        var row = ObjectRow([:], line: record.line)
        for (place, name) in names.enumerated() {
            row.object[name] = .string(try text(record[place], record.line))
        }
        row.size = record.bytes.count
        return row
    }

    private mutating func record() throws -> DelimitedRecord? {
        switch parser {
        case .quoted(var quoted):
            defer { parser = .quoted(quoted) }
            return try quoted.next()
        case .tabbed(var tabbed):
            defer { parser = .tabbed(tabbed) }
            return try tabbed.next()
        }
    }

    private func text(_ bytes: ArraySlice<UInt8>, _ line: Int) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DatasetError(path, line: line, "the bytes are not UTF-8; convert the file to UTF-8")
        }
        return text
    }
}
