import JSON

/// A reader of typed fields of a `config.json`; its errors name the file, the field and its valid values.
struct ConfigurationReader {
    let object: JSONObject
    /// The file's path, for messages.
    let source: String

    /// Reads an integer, or returns the default where the field is absent.
    func integer(_ key: String, default fallback: Int, in range: ClosedRange<Int>) throws -> Int {
        guard let value = object[key] else { return fallback }
        guard let number = value.intValue, range.contains(number) else {
            throw error(key, "must be an integer from \(range.lowerBound) to \(range.upperBound)", value)
        }
        return number
    }

    /// Reads an integer that all families have.
    func integer(_ field: FieldNames.Field<Int>, in range: ClosedRange<Int>) throws -> Int {
        try integer(field.key, default: field.fallback, in: range)
    }

    /// Reads a whole number, in any notation.
    func wholeNumber(_ key: String, default fallback: Int, in range: ClosedRange<Int>) throws -> Int {
        guard let value = object[key] else { return fallback }
        guard let number = value.doubleValue.flatMap(Int.init(exactly:)), range.contains(number) else {
            throw error(key, "must be a whole number from \(range.lowerBound) to \(range.upperBound)", value)
        }
        return number
    }

    /// Reads a number that `accepts` allows, or returns the default where the field is absent.
    func number(
        _ key: String, default fallback: Double, _ rule: String, accepts: (Double) -> Bool
    ) throws -> Double {
        guard let value = object[key] else { return fallback }
        guard let number = value.doubleValue, number.isFinite, accepts(number) else {
            throw error(key, "must be a number \(rule)", value)
        }
        return number
    }

    /// Reads an activation by transformers' name, or returns the default where the field is absent.
    func activation(_ key: String, default fallback: ActivationName) throws -> ActivationName {
        guard let value = object[key] else { return fallback }
        guard let activation = value.stringValue.flatMap(ActivationName.init(named:)) else {
            let known = (ActivationName.allCases.map(\.rawValue) + ActivationName.aliases.keys.sorted())
                .joined(separator: ", ")
            throw error(key, "must be one of \(known)", value)
        }
        return activation
    }

    /// Reads a dropout probability, or returns the default where the field is absent or null.
    func dropout(_ key: String, default fallback: Double) throws -> Double {
        guard optional(key) != nil else { return fallback }
        return try probability(FieldNames.Field(key, fallback))
    }

    /// Reads a dropout probability, or returns the default where the field is absent.
    func probability(_ field: FieldNames.Field<Double>) throws -> Double {
        try number(field.key, default: field.fallback, "from 0 up to, but not including, 1") {
            (0..<1).contains($0)
        }
    }

    /// Reads a Boolean, or returns the default where the field is absent or null.
    func boolean(_ key: String, default fallback: Bool) throws -> Bool {
        guard let value = optional(key) else { return fallback }
        guard let flag = value.boolValue else { throw error(key, "must be true or false", value) }
        return flag
    }

    /// Returns the value of a field, or `nil` where it is absent or null.
    func optional(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// Refuses a field that would change the mathematics, unless it is absent, null or harmless.
    func refuse(_ key: String, unless harmless: (JSONValue) -> Bool = { _ in false }, _ why: String) throws {
        guard let value = optional(key), !harmless(value) else { return }
        throw error(key, "is not supported (\(why)); use a model without it", value)
    }

    /// Makes an error about a field; `rule` states the requirement, or the remedy.
    func error(_ key: String, _ rule: String, _ value: JSONValue) -> ArchitectureError {
        let text = value.serialized()
        return error("\"\(key)\" \(rule), got \(text.utf8.count > 60 ? value.typeName : text)")
    }

    func error(_ message: String) -> ArchitectureError { ArchitectureError("\(source): \(message)") }
}
