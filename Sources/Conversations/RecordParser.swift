import Datasets
import JSON

/// Makes records of JSON objects: detects their shape from the first, and requires it of all.
struct RecordParser: Sendable {
    typealias MakeError = @Sendable (_ row: ObjectRow, _ reason: String) -> DatasetError

    let columns: RecordColumns
    /// Makes the error about a row.
    let makeError: MakeError
    /// The shape; `nil` before the first record, unless a key is named.
    private(set) var shape: RecordShape?
    /// True if prompts are lists of messages; `nil` before the first.
    private var hasMessagePrompts: Bool?

    /// - Throws: ``ConversationsError`` where keys of several shapes are named.
    init(_ columns: RecordColumns, makeError: @escaping MakeError) throws {
        self.columns = columns
        self.makeError = makeError
        shape = try columns.namedShape()
    }

    /// Makes a record of a row.
    ///
    /// - Throws: `DatasetError` that names file, line and key.
    mutating func record(_ row: ObjectRow) throws -> TrainingRecord {
        let shape = try shape ?? detect(row)
        self.shape = shape
        try require(shape, row)
        let object = row.object
        let source = row.place
        switch shape {
        case .messages:
            let messages = try list(columns.messagesKey, row)
            try check(messages, from: 0, columns.messagesKey, row)
            return TrainingRecord(.messages(messages, tools: try tools(row)), row: source)
        case .text:
            let text = try string(columns.textKey, row)
            guard !isBlank(text) else {
                throw error(row, columns.textKey, "is empty; remove the row or fill it")
            }
            return TrainingRecord(.text(text), row: source)
        case .promptCompletion:
            let isList = object[columns.promptKey].map(isMessages) ?? false
            guard hasMessagePrompts == nil || hasMessagePrompts == isList else {
                throw error(
                    row, columns.promptKey,
                    isList
                        ? "is a list of messages, unlike in the first row; all must be strings, or all lists"
                        : "is no list of messages, unlike in the first row; all must be lists, or all strings"
                )
            }
            hasMessagePrompts = isList
            return TrainingRecord(isList ? try continuation(row) : try completion(row), row: source)
        }
    }

    // MARK: - The shape

    private func detect(_ row: ObjectRow) throws -> RecordShape {
        if let shape = columns.shape(of: row.object) { return shape }
        let object = row.object
        var hint =
            "; name the keys with --messages-column, --prompt-column and --completion-column, or --text-column"
        if object["conversations"]?.arrayValue?.first?.objectValue?["from"] != nil {
            hint =
                "; this is ShareGPT's form: write messages with 'role' (user, assistant, system) and 'content' in place of "
                + "'from' and 'value'"
        }
        throw makeError(
            row,
            "there are neither 'messages', nor 'prompt' and 'completion', nor 'text'; the keys are "
                + DatasetError.list(object.keys) + hint)
    }

    /// - Throws: `DatasetError` where a row lacks the keys of the shape.
    private func require(_ shape: RecordShape, _ row: ObjectRow) throws {
        guard !columns.has(row.object, shape) else { return }
        let missing = columns.keys(of: shape).first { row.object[$0]?.isNull ?? true } ?? ""
        let what = row.object[missing] == nil ? "is missing" : "is null"
        if let other = columns.shape(of: row.object), other != shape {
            throw makeError(
                row,
                "the key '\(DatasetError.shown(missing))' \(what), and there is '\(columns.keys(of: other)[0])' instead; every row "
                    + "must have the shape of the first (\(shape.rawValue)), so keep the shapes in files apart"
            )
        }
        throw makeError(
            row,
            "the key '\(DatasetError.shown(missing))' \(what); every row needs it, and the keys are "
                + DatasetError.list(row.object.keys))
    }

    // MARK: - Values

    private func completion(_ row: ObjectRow) throws -> TrainingRecord.Content {
        let prompt = try string(columns.promptKey, row)
        let completion = try string(columns.completionKey, row)
        guard !isBlank(completion) else {
            throw error(row, columns.completionKey, "is empty; remove the row or fill it")
        }
        return .completion(prompt: prompt, completion: completion)
    }

    private func continuation(_ row: ObjectRow) throws -> TrainingRecord.Content {
        let prompt = try list(columns.promptKey, row)
        let completion = try list(columns.completionKey, row)
        guard !completion.isEmpty else {
            throw error(row, columns.completionKey, "is empty; remove the row or fill it")
        }
        let keys = "\(columns.promptKey)' and '\(columns.completionKey)"
        try check(prompt + completion, from: prompt.count, keys, row)
        return .continuation(
            messages: prompt + completion, trainedFrom: prompt.count, tools: try tools(row))
    }

    /// Returns true for a list, also one that is written as JSON in a text, as columns of Parquet may be.
    private func isMessages(_ value: JSONValue) -> Bool {
        value.arrayValue != nil || value.stringValue.flatMap(listInText) != nil
    }

    /// The list of objects that a text is as JSON.
    private func listInText(_ text: String) -> [JSONValue]? {
        guard text.utf8.first == UInt8(ascii: "["), let value = try? JSONValue.parse(text),
            let elements = value.arrayValue, elements.first?.objectValue?["role"] != nil
        else { return nil }
        return elements
    }

    private func string(_ key: String, _ row: ObjectRow) throws -> String {
        guard let text = row.object[key]?.stringValue else {
            throw error(row, key, "must be a string, got \(row.object[key]?.typeName ?? "nothing")")
        }
        return text
    }

    private func list(_ key: String, _ row: ObjectRow) throws -> [JSONValue] {
        switch row.object[key] {
        case .array(let elements)?: return elements
        case .string(let text)?:
            do {
                if let elements = try JSONValue.parse(text).arrayValue { return elements }
            } catch let problem as JSONError {
                throw error(row, key, "is a string that is no JSON (\(problem)); give a list of messages")
            }
            throw error(row, key, "is a string whose JSON is no list; give a list of messages")
        case let value:
            throw error(row, key, "must be a list of messages, got \(value?.typeName ?? "nothing")")
        }
    }

    /// The tools beside messages; `nil` if there are none.
    private func tools(_ row: ObjectRow) throws -> [JSONValue]? {
        let key = columns.toolsKey
        guard let value = row.object[key], !value.isNull else {
            guard columns.tools == nil || row.object[key] != nil else {
                throw error(row, key, "is missing; every row needs it, be it null")
            }
            return nil
        }
        // Without tools some data sets have an empty text or list.
        if value.stringValue?.isEmpty == true { return nil }
        let tools = try list(key, row)
        for (index, tool) in tools.enumerated() where tool.objectValue == nil {
            throw error(
                row, key, "tool \(index + 1) must be an object, got \(tool.typeName); give JSON schemas")
        }
        return tools.isEmpty ? nil : tools
    }

    private func check(_ messages: [JSONValue], from first: Int, _ key: String, _ row: ObjectRow) throws {
        if let problem = MessageRules.problem(messages, trainedFrom: first) {
            throw error(row, key, problem)
        }
    }

    private func error(_ row: ObjectRow, _ key: String, _ reason: String) -> DatasetError {
        makeError(row, "'\(DatasetError.shown(key))' \(reason)")
    }
}

/// Returns true for a text of white space alone.
func isBlank(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(\.properties.isWhitespace) }
