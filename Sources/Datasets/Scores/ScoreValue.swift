import JSON

/// Numbers, names and lists of scores in the values of a row.
enum ScoreValue {
    /// A cell of a table that holds JSON as that JSON; other values as they are.
    static func parsed(_ value: JSONValue) -> JSONValue {
        guard let text = value.stringValue, let first = text.utf8.first(where: { $0 != 0x20 }),
            first == UInt8(ascii: "[") || first == UInt8(ascii: "{")
        else { return value }
        return (try? JSONValue.parse(text)) ?? value
    }

    /// The number of a value, also of a table's cell; `nil` for what is none, or not finite.
    static func number(_ value: JSONValue) -> Double? {
        let number =
            value.doubleValue ?? value.stringValue.flatMap { Datasets.isNumber($0) ? Double($0) : nil }
        return number.flatMap { $0.isFinite ? $0 : nil }
    }

    /// Returns true for a number of JSON; a text of digits may be a name.
    static func isNumber(_ value: JSONValue) -> Bool { value.doubleValue != nil }

    /// The name that a value is: a text, or a class number.
    static func name(_ value: JSONValue) -> String? {
        value.stringValue ?? value.intValue.map(String.init)
    }

    static func isName(_ value: JSONValue) -> Bool { name(value)?.isEmpty == false }

    static func first(_ keys: [String], of object: JSONObject) -> JSONValue? {
        keys.firstMap { object[$0] }
    }

    /// The alternatives for the first token of an answer with their log-probabilities; `nil` where a value has none.
    static func tokens(_ value: JSONValue) -> [ScoreRow.Entry]? {
        if let object = value.objectValue {
            if let nested = ["body", "choices", "logprobs", "content", "top_logprobs"].firstMap({ object[$0] }
            ) {
                return tokens(nested)
            }
            let entries = object.map { ($0.key, number($0.value)) }
            guard !entries.isEmpty, entries.allSatisfy({ $0.1 != nil }) else { return nil }
            return entries.map { ScoreRow.Entry($0.0, $0.1 ?? 0) }
        }
        guard let elements = value.arrayValue, let first = elements.first?.objectValue else { return nil }
        guard first["token"] != nil, first["logprob"] != nil else { return elements.first.flatMap(tokens) }
        // The tokens of an answer, each with its alternatives; or the alternatives themselves.
        guard let own = entry(first) else { return nil }
        guard let others = first["top_logprobs"]?.arrayValue else {
            let all = elements.map { $0.objectValue.flatMap(entry) }
            return all.contains { $0 == nil } ? nil : all.compactMap(\.self)
        }
        let listed = others.map { $0.objectValue.flatMap(entry) }
        guard !listed.contains(where: { $0 == nil }) else { return nil }
        let alternatives = listed.compactMap(\.self)
        return alternatives.contains { $0.name.utf8.elementsEqual(own.name.utf8) }
            ? alternatives : [own] + alternatives
    }

    private static func entry(_ object: JSONObject) -> ScoreRow.Entry? {
        guard let token = object["token"]?.stringValue, let value = object["logprob"].flatMap(number) else {
            return nil
        }
        return ScoreRow.Entry(token, value)
    }

    /// A token as the name that it may be: without the space before it, however that is written.
    static func trimmed(_ token: String) -> String {
        func isSpace(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.isWhitespace || scalar == "\u{2581}" || scalar == "\u{0120}"
                || scalar == "\u{010A}"
        }
        let scalars = token.unicodeScalars.drop(while: isSpace).reversed().drop(while: isSpace).reversed()
        return String(String.UnicodeScalarView(scalars))
    }
}
