import JSON

/// A JSON object that describes something, with errors that name the file and the path to the value.
struct StageConfiguration {
    let file: String
    /// The path to the object in the file; empty for the whole file.
    let path: String
    let object: JSONObject
    /// Searches the regular expressions for which there is no scanner.
    let expressions: (any RegularExpressionEngine)?

    /// Reads the value of the whole file.
    ///
    /// - Parameter expressions: `nil` also where the file can hold no expressions.
    init(file: String, value: JSONValue, expressions: (any RegularExpressionEngine)?) throws {
        self.file = file
        self.expressions = expressions
        path = ""
        guard let object = value.objectValue else {
            throw TokenizerError.malformed(
                file: file, key: "top level", reason: "expected an object, found \(value.typeName)")
        }
        self.object = object
    }

    /// Describes an object within another.
    private init(_ whole: StageConfiguration, path: String, object: JSONObject) {
        file = whole.file
        expressions = whole.expressions
        self.path = path
        self.object = object
    }

    /// The file, and the path to this object in it.
    var place: String { path.isEmpty ? file : "\(file): \(path)" }

    /// The error for a key of this object.
    func malformed(_ key: String, _ reason: String) -> TokenizerError {
        .malformed(file: file, key: pathOf(key), reason: reason)
    }

    private func pathOf(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    /// The value of a key, read as one type; `nil` if the key is missing or null.
    private func optional<Value>(_ key: String, _ expected: String, _ read: (JSONValue) -> Value?) throws
        -> Value?
    {
        guard let value = object[key], !value.isNull else { return nil }
        guard let result = read(value) else {
            throw malformed(key, "expected \(expected), found \(value.typeName)")
        }
        return result
    }

    private func required<Value>(_ key: String, _ expected: String, _ read: (JSONValue) -> Value?) throws
        -> Value
    {
        guard let value = try optional(key, expected, read) else {
            throw malformed(key, "missing; expected \(expected)")
        }
        return value
    }
}

// MARK: - Values

extension StageConfiguration {
    func optionalBool(_ key: String) throws -> Bool? { try optional(key, "a boolean", \.boolValue) }
    func bool(_ key: String) throws -> Bool { try required(key, "a boolean", \.boolValue) }
    func optionalString(_ key: String) throws -> String? { try optional(key, "a string", \.stringValue) }
    func string(_ key: String) throws -> String { try required(key, "a string", \.stringValue) }

    /// A whole number that is not negative.
    func int(_ key: String) throws -> Int { try required(key, "a whole number of at least 0", Self.natural) }
    func optionalInt(_ key: String) throws -> Int? {
        try optional(key, "a whole number of at least 0", Self.natural)
    }

    /// A whole number that is not negative and fits 32 bits, such as a token's id.
    func int32(_ key: String) throws -> Int32 {
        let value = try int(key)
        guard let narrow = Int32(exactly: value) else { throw malformed(key, "\(value) is too large") }
        return narrow
    }

    private static func natural(_ value: JSONValue) -> Int? { value.intValue.flatMap { $0 < 0 ? nil : $0 } }

    func array(_ key: String) throws -> [JSONValue] { try required(key, "an array", \.arrayValue) }
    func optionalArray(_ key: String) throws -> [JSONValue]? { try optional(key, "an array", \.arrayValue) }

    func object(_ key: String) throws -> StageConfiguration {
        let object = try required(key, "an object", \.objectValue)
        return StageConfiguration(self, path: pathOf(key), object: object)
    }

    func optionalObject(_ key: String) throws -> StageConfiguration? {
        try optional(key, "an object", \.objectValue).map {
            StageConfiguration(self, path: pathOf(key), object: $0)
        }
    }

    /// The strings of an array.
    func strings(_ key: String) throws -> [String]? {
        try optionalArray(key)?.map { value in
            guard let text = value.stringValue else {
                throw malformed(key, "expected strings, found \(value.typeName)")
            }
            return text
        }
    }

    /// An element of an array, which must be an object.
    func element(_ key: String, _ index: Int, _ value: JSONValue) throws -> StageConfiguration {
        guard let object = value.objectValue else {
            throw malformed("\(key)[\(index)]", "expected an object, found \(value.typeName)")
        }
        return StageConfiguration(self, path: pathOf("\(key)[\(index)]"), object: object)
    }

    /// The objects of an array; none if the key is missing.
    func objects(_ key: String) throws -> [StageConfiguration] {
        try (optionalArray(key) ?? []).enumerated().map { try element(key, $0, $1) }
    }

    /// A vocabulary, given as an object of tokens and ids.
    func vocabulary(_ key: String) throws -> Vocabulary {
        let entries = try object(key)
        if let members = entries.object.integers { return try Vocabulary(members, file: file) }
        return try Vocabulary(
            entries.object.map { token, id in
                guard let id = id.intValue else {
                    throw malformed(
                        "\(key)[\(quoted(token))]", "expected a whole number, found \(id.typeName)")
                }
                return (token, id)
            }, file: file)
    }
}
