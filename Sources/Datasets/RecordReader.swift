import JSON

/// A row of a data file before its label is understood.
struct RawExample {
    var text: String
    var pair: String?
    var label: String?
    var line: Int
}

/// Turns a file's bytes into rows.
struct RecordReader {
    let path: String
    let options: DatasetOptions

    func delimited(_ bytes: [UInt8], delimiter: UInt8) throws -> [RawExample] {
        var parser = DelimitedParser(bytes, delimiter: delimiter, path: path)
        guard let header = try parser.next() else {
            throw DatasetError(path, "the file is empty; it needs a header and rows")
        }
        let names = try header.fields.map { try string($0, line: header.line) }
        for (index, name) in names.enumerated()
        where names[..<index].contains(where: { $0.utf8.elementsEqual(name.utf8) }) {
            throw DatasetError(path, line: header.line, "the column '\(name)' occurs twice")
        }
        let columns = try Columns(names: names, options: options, path: path)
        var rows: [RawExample] = []
        while let record = try parser.next() {
            guard record.fields.count == names.count else {
                throw DatasetError(
                    path, line: record.line,
                    "\(record.fields.count) column\(record.fields.count == 1 ? "" : "s") where the header has "
                        + "\(names.count) (\(list(names))); quote fields that hold the delimiter")
            }
            func value(_ index: Int) throws -> String { try string(record.fields[index], line: record.line) }
            rows.append(
                try checked(
                    text: value(columns.text), pair: columns.pair.map(value), label: columns.label.map(value),
                    line: record.line))
        }
        return rows
    }

    func jsonLines(_ bytes: [UInt8]) throws -> [RawExample] {
        var rows: [RawExample] = []
        var columns: (names: [String], columns: Columns)?
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            let number = index + 1
            let object = try self.object(Array(line), line: number)
            let chosen: (names: [String], columns: Columns)
            if let columns {
                chosen = columns
            } else {
                chosen = (object.keys, try Columns(names: object.keys, options: options, path: path))
                columns = chosen
            }
            func value(_ column: Int) throws -> JSONValue {
                guard let value = object[chosen.names[column]] else {
                    throw DatasetError(
                        path, line: number,
                        "the key '\(chosen.names[column])' is missing; every line needs it")
                }
                return value
            }
            func text(_ column: Int) throws -> String {
                let value = try value(column)
                guard let text = value.stringValue else {
                    throw DatasetError(
                        path, line: number,
                        "'\(chosen.names[column])' must be a string, got \(value.typeName)")
                }
                return text
            }
            rows.append(
                try checked(
                    text: text(chosen.columns.text), pair: chosen.columns.pair.map(text),
                    label: chosen.columns.label.map { try label(value($0), line: number) }, line: number))
        }
        return rows
    }

    private func object(_ line: [UInt8], line number: Int) throws -> JSONObject {
        let value: JSONValue
        do { value = try JSONValue.parse(line) } catch let error as JSONError {
            throw DatasetError(path, line: number, "this is not JSON: \(error)")
        }
        guard let object = value.objectValue else {
            throw DatasetError(
                path, line: number, "a JSON object must stand on each line, got \(value.typeName)")
        }
        return object
    }

    private func label(_ value: JSONValue, line: Int) throws -> String {
        if let name = value.stringValue { return name }
        if case .integer(let number) = value { return String(number) }
        throw DatasetError(
            path, line: line, "the label must be a string or an integer, got \(value.typeName)")
    }

    private func checked(text: String, pair: String?, label: String?, line: Int) throws -> RawExample {
        func isBlank(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(\.properties.isWhitespace) }
        guard !isBlank(text) else {
            throw DatasetError(path, line: line, "the text is empty; remove the row or fill it")
        }
        if let pair, isBlank(pair) {
            throw DatasetError(path, line: line, "the second text is empty; remove the row or fill it")
        }
        let label = label.map(trimmed)
        if label?.isEmpty == true {
            throw DatasetError(path, line: line, "the label is empty; remove the row or fill it")
        }
        return RawExample(text: text, pair: pair, label: label, line: line)
    }

    /// Without spaces and tabs around it.
    private func trimmed(_ text: String) -> String {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
        return String(
            decoding: text.utf8.drop(while: isSpace).reversed().drop(while: isSpace).reversed(), as: UTF8.self
        )
    }

    private func string(_ bytes: ArraySlice<UInt8>, line: Int) throws -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DatasetError(path, line: line, "the bytes are not UTF-8; convert the file to UTF-8")
        }
        return text
    }
}
