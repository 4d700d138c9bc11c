import JSON

/// Sentences of JSON: an object a line, or one array of objects, each with lists of words and tags, or a text with
/// spans.
struct TaggedJSONReader: TaggedReader {
    /// The form of a file's objects.
    private enum Form {
        case words(key: String)
        case text(key: String)
    }

    private(set) var hasTags = false
    private(set) var columnNames: [String] = []
    private var objects: JSONObjects
    private let path: String
    private let options: TaggedOptions
    private var form: Form?
    /// The key of tags or spans, once a row had it.
    private var tagKey: String?

    init(_ reader: ByteReader, path: String, options: TaggedOptions) {
        objects = JSONObjects(reader, path: path)
        self.path = path
        self.options = options
    }

    mutating func next() throws -> TaggedRow? {
        guard let (object, line) = try objects.next() else { return nil }
        let form = try form ?? chooseForm(object)
        if tagKey == nil, options.readsTags { try chooseTags(object, form) }
        var row = TaggedRow(words: [], line: line)
        var values: [JSONValue]?
        if let tagKey {
            hasTags = true
            values = try tagValues(tagKey, of: object, row)
        }
        switch form {
        case .words(let key):
            row.words = try strings(value(key, of: object, row), "words", row)
            if let values { row.tags = try tags(values, row) }
        case .text(let key):
            let value = try value(key, of: object, row)
            guard let text = value.stringValue else {
                throw DatasetError(
                    path, at: row, "'\(shown(key))' must be a string, got \(value.typeName)")
            }
            row.text = text
            let spans = try values.map { try TextSpan.spans($0, path, row) }
            try TextWords(text).fill(&row, spans: spans, path)
        }
        return try row.checked(path, options)
    }

    // MARK: - Keys

    private mutating func chooseForm(_ object: JSONObject) throws -> Form {
        columnNames = object.keys
        func isWords(_ key: String) -> Bool {
            guard let elements = object[key]?.arrayValue else { return false }
            // Prodigy's tokens are objects.
            return elements.allSatisfy { $0.objectValue == nil }
        }
        let words = TaggedColumns.words.first(where: isWords)
        let text = TaggedColumns.texts.first { object[$0]?.stringValue != nil }
        let chosen: Form? =
            if let key = options.wordColumn {
                // A text instead of words has spans.
                object[key]?.stringValue == nil ? .words(key: key) : .text(key: key)
            } else if let key = options.textColumn {
                .text(key: key)
            } else {
                words.map { .words(key: $0) } ?? text.map { .text(key: $0) }
            }
        guard let chosen else {
            throw DatasetError(
                path,
                "no key has a usual name for a list of words or for a text; the keys are \(list(columnNames)); choose the "
                    + "key of the words or of the text")
        }
        let key =
            switch chosen {
            case .words(let key), .text(let key): key
            }
        try require(key, "the words or of the text")
        form = chosen
        return chosen
    }

    private mutating func chooseTags(_ object: JSONObject, _ form: Form) throws {
        if let key = options.tagColumn {
            if !options.allowsUntagged { try require(key, "the tags") }
            if object[key] != nil { tagKey = key }
            return
        }
        let names = if case .words = form { TaggedColumns.tags } else { TaggedColumns.spans }
        tagKey = names.first { object[$0]?.arrayValue != nil } ?? names.first { object[$0] != nil }
        guard tagKey == nil, !options.allowsUntagged else { return }
        throw DatasetError(
            path,
            "no key has a usual name for tags or spans; the keys are \(list(columnNames)); choose the key of the tags"
        )
    }

    private func require(_ key: String, _ what: String) throws {
        guard !columnNames.contains(where: { $0.utf8.elementsEqual(key.utf8) }) else { return }
        throw DatasetError(
            path,
            "there is no key '\(shown(key))'; the first object's keys are \(list(columnNames)); choose the key of \(what)"
        )
    }

    private func value(_ key: String, of object: JSONObject, _ row: TaggedRow) throws -> JSONValue {
        guard let value = object[key] else {
            throw DatasetError(
                path, at: row,
                "the key '\(shown(key))' is missing; every \(objects.isArray ? "object" : "line") needs it")
        }
        return value
    }

    // MARK: - Values

    /// Returns the value of the tags' key; `nil` if the row has none and needs none.
    private func tagValues(_ key: String, of object: JSONObject, _ row: TaggedRow) throws -> [JSONValue]? {
        guard let value = object[key], !value.isNull else {
            guard options.allowsUntagged else {
                throw DatasetError(
                    path, at: row, "'\(shown(key))' is missing or null; remove the row or fill it")
            }
            return nil
        }
        guard let elements = value.arrayValue else {
            throw DatasetError(path, at: row, "'\(shown(key))' must be an array, got \(value.typeName)")
        }
        return elements
    }

    private func strings(_ value: JSONValue, _ what: String, _ row: TaggedRow) throws -> [String] {
        guard let elements = value.arrayValue else {
            throw DatasetError(path, at: row, "the \(what) must be an array, got \(value.typeName)")
        }
        return try elements.map { element in
            guard let text = element.stringValue else {
                throw DatasetError(
                    path, at: row, "the \(what) must be strings, got \(element.typeName) among them")
            }
            return text
        }
    }

    private func tags(_ elements: [JSONValue], _ row: TaggedRow) throws -> [String] {
        try elements.map { element in
            if let text = element.stringValue { return text }
            guard let number = element.intValue else {
                throw DatasetError(
                    path, at: row, "the tags must be strings or integers, got \(element.typeName) among them")
            }
            return try TaggedColumns.tag(number, of: options.tagNames, path, row)
        }
    }
}
