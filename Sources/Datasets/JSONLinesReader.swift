import JSON

/// Rows of JSON: an object a line, or one array of objects.
struct JSONLinesReader: RecordReader {
    private(set) var hasLabels = false
    private(set) var hasArrays = false
    private var columns: Columns?
    private var objects: JSONObjects
    private let path: String
    private let options: DatasetOptions
    private(set) var columnNames: [String] = []
    /// The key of the label, once a row had it.
    private var labelKey: String?
    private var line = 0

    init(_ reader: ByteReader, path: String, options: DatasetOptions) {
        objects = JSONObjects(reader, path: path)
        self.path = path
        self.options = options
    }

    var hasPairs: Bool { columns?.pair != nil }

    mutating func next() throws -> TextRow? {
        if let (object, line) = try objects.next() {
            self.line = line
            return try row(object)
        }
        if let name = options.labelColumn, columns != nil, options.readsLabels, labelKey == nil {
            throw DatasetError(
                path,
                "no \(objects.isArray ? "object" : "line") has the key '\(shown(name))'; the first one's keys are "
                    + "\(list(columnNames)); choose one with --label-column")
        }
        return nil
    }

    private mutating func row(_ object: JSONObject) throws -> TextRow {
        if columns == nil {
            columnNames = object.keys
            let found = try Columns(
                names: columnNames, options: options, path: path, needsLabel: !options.allowsUnlabeled)
            labelKey = found.label.map { columnNames[$0] }
            columns = found
        }
        guard let columns else { throw DatasetError(path, line: line, "the columns are unknown") }
        if labelKey == nil, options.allowsUnlabeled, options.readsLabels {
            labelKey = (options.labelColumn.map { [$0] } ?? options.labelColumns).first {
                object[$0] != nil
            }
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

    private func value(_ name: String, of object: JSONObject) throws -> JSONValue {
        guard let value = object[name] else {
            throw DatasetError(
                path, line: line,
                "the key '\(shown(name))' is missing; every \(objects.isArray ? "object" : "line") needs it")
        }
        return value
    }

    private func text(_ column: Int, of object: JSONObject) throws -> String {
        let value = try value(columnNames[column], of: object)
        guard let text = value.stringValue else {
            throw DatasetError(
                path, line: line, "'\(shown(columnNames[column]))' must be a string, got \(value.typeName)")
        }
        return text
    }

    /// A row's label; `nil` where it has none and need not.
    private func label(_ key: String, of object: JSONObject) throws -> JSONValue? {
        guard options.allowsUnlabeled else { return try value(key, of: object) }
        guard let value = object[key], !value.isNull else { return Optional.none }
        return value
    }

    private mutating func readLabel(_ value: JSONValue?, into row: inout TextRow) throws {
        guard let value else { return }
        if let elements = value.arrayValue {
            hasArrays = true
            guard options.labelForm == .set else { throw wrong(value) }
            if let indicators = indicators(elements) {
                row.labelSet = indicators
                row.hasTruthValues = true
                return
            }
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

    /// Truth values, or 0.0 and 1.0 as the loss wants them: one for each class.
    private func indicators(_ elements: [JSONValue]) -> [String]? {
        guard !elements.isEmpty else { return nil }
        var names: [String] = []
        for element in elements {
            switch element {
            case .bool(let isSet): names.append(isSet ? "1" : "0")
            case .number(1): names.append("1")
            case .number(0): names.append("0")
            default: return nil
            }
        }
        return names
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
