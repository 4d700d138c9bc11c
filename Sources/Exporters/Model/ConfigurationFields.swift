import JSON

/// Reads typed fields of a `config.json`; its errors name the file, the field and what it should be.
struct ConfigurationFields {
    let object: JSONObject
    /// The file's path, for messages.
    let file: String

    init(_ object: JSONObject, file: String) {
        self.object = object
        self.file = file
    }

    /// The value of a field, or `nil` where it is absent or null.
    func optional(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// A size, from 1 up.
    func size(_ key: String, default fallback: Int) throws -> Int {
        guard let value = optional(key) else { return fallback }
        guard let number = value.intValue, (1...Int(Int32.max)).contains(number) else {
            throw error(key, "must be an integer from 1 to \(Int32.max)", value)
        }
        return number
    }

    /// A token's or a row's number, from 0 up.
    func index(_ key: String, default fallback: Int) throws -> Int {
        guard let value = optional(key) else { return fallback }
        guard let number = value.intValue, (0...Int(Int32.max)).contains(number) else {
            throw error(key, "must be an integer from 0 to \(Int32.max)", value)
        }
        return number
    }

    /// A number from 0 to 1.
    func share(_ key: String, default fallback: Double) throws -> Double {
        guard let value = optional(key) else { return fallback }
        guard let number = value.doubleValue, (0...1).contains(number) else {
            throw error(key, "must be a number from 0 to 1", value)
        }
        return number
    }

    /// A text.
    func string(_ key: String, default fallback: String) throws -> String {
        guard let value = optional(key) else { return fallback }
        guard let text = value.stringValue else { throw error(key, "must be a string", value) }
        return text
    }

    /// `model_type`, or what the class of an old configuration is called.
    func modelType() throws -> String {
        if optional("model_type") != nil { return try string("model_type", default: "") }
        guard let architecture = optional("architectures")?.arrayValue?.first?.stringValue,
            let end = architecture.range(of: "For") ?? architecture.range(of: "Model"),
            end.lowerBound > architecture.startIndex
        else { throw ExportError("\(file): \"model_type\" is missing; add it") }
        return architecture[..<end.lowerBound].lowercased()
    }

    /// The classes' names by index: `id2label`, or `LABEL_0`, … where only their number is given.
    func labels() throws -> [String] {
        guard let value = optional("id2label") else {
            return (0..<(try size("num_labels", default: 2))).map { "LABEL_\($0)" }
        }
        guard let map = value.objectValue, !map.isEmpty else {
            throw error("id2label", "must be an object of names by index", value)
        }
        return try (0..<map.count).map { index in
            guard let name = map[String(index)]?.stringValue else {
                throw error("id2label", "must name the classes \"0\" to \"\(map.count - 1)\"", value)
            }
            return name
        }
    }

    /// `problem_type`, or by transformers' rule: one label is regression, several are classes of which one is right.
    func problemType(labelCount: Int) throws -> String {
        let known = ["single_label_classification", "multi_label_classification", "regression"]
        let type = try string("problem_type", default: known[labelCount == 1 ? 2 : 0])
        guard known.contains(type) else {
            throw error("problem_type", "must be one of \(known.joined(separator: ", "))", .string(type))
        }
        return type
    }

    /// An error about a field; `rule` says what must be.
    func error(_ key: String, _ rule: String, _ value: JSONValue) -> ExportError {
        let text = value.serialized()
        return ExportError("\(file): \"\(key)\" \(rule), got \(text.utf8.count > 60 ? value.typeName : text)")
    }
}
