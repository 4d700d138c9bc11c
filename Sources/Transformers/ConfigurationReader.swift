import JSON

/// Reads typed fields of a `config.json`; its errors name the file, the field and what it should be.
struct ConfigurationReader {
    let object: JSONObject
    let source: String

    func integer(_ key: String, default fallback: Int? = nil, atLeast minimum: Int = 1) throws -> Int {
        let value = try field(key, default: fallback.map(JSONValue.integer))
        guard let number = value.intValue, number >= minimum, number <= Int(Int32.max) else {
            throw error(key, "must be an integer from \(minimum) on", value)
        }
        return number
    }

    func number(_ key: String, default fallback: Double, in range: ClosedRange<Double>) throws -> Double {
        let value = try field(key, default: .number(fallback))
        guard let number = value.doubleValue, range.contains(number) else {
            throw error(key, "must be a number from \(range.lowerBound) to \(range.upperBound)", value)
        }
        return number
    }

    /// `nil` where the field is absent or null.
    func optional(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// Refuses a field that changes the mathematics, unless it is absent, null or harmless.
    func refuse(_ key: String, unless harmless: (JSONValue) -> Bool, _ why: String) throws {
        guard let value = optional(key), !harmless(value) else { return }
        throw TransformersError(
            "\(source): \"\(key)\": \(value.serialized()) is not supported (\(why)); use a model without it")
    }

    func error(_ key: String, _ rule: String, _ value: JSONValue) -> TransformersError {
        let text = value.serialized()
        return TransformersError(
            "\(source): \"\(key)\" \(rule), got \(text.utf8.count > 60 ? value.typeName : text)")
    }

    private func field(_ key: String, default fallback: JSONValue?) throws -> JSONValue {
        if let value = optional(key) { return value }
        guard let fallback else {
            throw TransformersError("\(source): \"\(key)\" is missing; a BERT configuration needs it")
        }
        return fallback
    }
}
