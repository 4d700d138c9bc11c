import JSON

/// Rows of a JSON object a line.
struct JSONLinesReader: RecordReader {
    private(set) var hasLabels = false
    private(set) var hasArrays = false
    private var columns: Columns?
    private let reader: ByteReader
    private let path: String
    private let options: DatasetOptions
    private var names: [String] = []
    /// The key of the label, once a row had it.
    private var labelKey: String?
    private var line = 0

    init(_ reader: ByteReader, path: String, options: DatasetOptions) {
        self.reader = reader
        self.path = path
        self.options = options
    }

    var hasPairs: Bool { columns?.pair != nil }

    mutating func next() throws -> TextRow? {
        while try reader.peek() != nil {
            var bytes: [UInt8] = []
            try reader.take(into: &bytes) { $0 == 0x0A }
            if try reader.peek() != nil { reader.advance() }
            line += 1
            if bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
            return try row(bytes)
        }
        if let name = options.labelColumn, columns != nil, options.readsLabels, labelKey == nil {
            throw DatasetError(
                path,
                "no line has the key '\(name)'; the first line's keys are \(list(names)); choose one with "
                    + "--label-column")
        }
        return nil
    }

    private mutating func row(_ bytes: [UInt8]) throws -> TextRow {
        let object = try object(bytes)
        if columns == nil {
            names = object.keys
            let found = try Columns(
                names: names, options: options, path: path, needsLabel: !options.allowsUnlabelled)
            labelKey = found.label.map { names[$0] }
            columns = found
        }
        guard let columns else { throw DatasetError(path, line: line, "the columns are unknown") }
        if labelKey == nil, options.allowsUnlabelled, options.readsLabels {
            labelKey = (options.labelColumn.map { [$0] } ?? Columns.labels).first { object[$0] != nil }
        }
        var row = TextRow(
            text: try text(columns.text, of: object), pair: try columns.pair.map { try text($0, of: object) },
            line: line)
        if let labelKey {
            hasLabels = true
            try readLabel(label(labelKey, of: object), into: &row)
        }
        return try row.checked(path, options)
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

    private func value(_ name: String, of object: JSONObject) throws -> JSONValue {
        guard let value = object[name] else {
            throw DatasetError(path, line: line, "the key '\(name)' is missing; every line needs it")
        }
        return value
    }

    private func text(_ column: Int, of object: JSONObject) throws -> String {
        let value = try value(names[column], of: object)
        guard let text = value.stringValue else {
            throw DatasetError(
                path, line: line, "'\(names[column])' must be a string, got \(value.typeName)")
        }
        return text
    }

    /// A row's label; `nil` where it has none and need not.
    private func label(_ key: String, of object: JSONObject) throws -> JSONValue? {
        guard options.allowsUnlabelled else { return try value(key, of: object) }
        guard let value = object[key], !value.isNull else { return Optional.none }
        return value
    }

    private mutating func readLabel(_ value: JSONValue?, into row: inout TextRow) throws {
        guard let value else { return }
        if let elements = value.arrayValue {
            hasArrays = true
            guard options.labelForm == .set else { throw wrong(value) }
            row.labelSet = try elements.map { element in
                guard let name = name(element) else {
                    throw DatasetError(
                        path, line: line,
                        "the labels must be strings or integers, got \(element.typeName) among them")
                }
                return name
            }
            return
        }
        if options.labelForm == .number, let number = value.doubleValue {
            // The number itself is checked where it is understood.
            row.label = name(value) ?? "\(number)"
            return
        }
        guard let name = name(value) else { throw wrong(value) }
        row.label = name
    }

    private func name(_ value: JSONValue) -> String? { value.stringValue ?? value.intValue.map(String.init) }

    private func wrong(_ value: JSONValue) -> DatasetError {
        let rule =
            switch options.labelForm {
            case .name: "a string or an integer"
            case .set: "an array of strings or integers, or a string"
            case .number: "a number"
            }
        let hint =
            value.arrayValue == nil ? "" : "; several labels need --problem-type multi_label_classification"
        return DatasetError(path, line: line, "the label must be \(rule), got \(value.typeName)\(hint)")
    }
}
