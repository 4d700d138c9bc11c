import JSON

extension Value {
    /// Makes a value of JSON.
    init(_ json: JSONValue) throws {
        switch json {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .int(value)
        case .number(let value): self = .float(value)
        case .string(let text): self = .string(text)
        case .array(let items): self = try .list(items.map { try Value($0) })
        case .object(let object):
            self = .dictionary(
                try DictionaryValue(object.map { (.string($0.key), try Value($0.value)) }))
        }
    }
}

/// Writes values as Python's `json.dumps` does.
struct ValueJSONWriter {
    var isASCII = false
    /// What a level is indented by; nil for one line.
    var indent: String?
    var itemSeparator = ", "
    var keySeparator = ": "
    var sortsKeys = false
    private(set) var output = ""
    private var depth = 0

    mutating func append(_ value: Value) throws {
        switch value {
        case .none: output += "null"
        case .bool(let value): output += value ? "true" : "false"
        case .int(let value): output += String(value)
        case .float(let value): output += Self.number(value)
        case .string(let text), .markup(let text): appendQuoted(text)
        case .list(let list), .tuple(let list):
            try append("[", list.items, "]") { try $0.append($1) }
        case .dictionary(let dictionary):
            try append("{", try entries(dictionary), "}") { writer, entry in
                writer.appendQuoted(try Self.key(entry.key))
                writer.output += writer.keySeparator
                try writer.append(entry.value)
            }
        default:
            throw TemplateFailure.rendering("a value of type \(value.typeName) has no JSON form")
        }
    }

    private func entries(_ dictionary: DictionaryValue) throws -> [(key: Value, value: Value)] {
        guard sortsKeys else { return dictionary.entries }
        return try dictionary.entries.stableSorted { try $0.key.precedes($1.key) }
    }

    private static func key(_ value: Value) throws -> String {
        switch value {
        case .string(let text), .markup(let text): text
        case .none: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .float(let value): number(value)
        default:
            throw TemplateFailure.rendering("a key of type \(value.typeName) has no JSON form")
        }
    }

    private static func number(_ value: Double) -> String {
        value.isNaN
            ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : Value.text(of: value)
    }

    private mutating func append<Item>(
        _ open: String, _ items: [Item], _ close: String, _ appendItem: (inout Self, Item) throws -> Void
    ) throws {
        output += open
        depth += 1
        for (index, item) in items.enumerated() {
            if index > 0 { output += itemSeparator }
            appendLineBreak()
            try appendItem(&self, item)
        }
        depth -= 1
        if !items.isEmpty { appendLineBreak() }
        output += close
    }

    private mutating func appendLineBreak() {
        guard let indent else { return }
        output += "\n"
        for _ in 0..<depth { output += indent }
    }

    private mutating func appendQuoted(_ text: String) {
        output += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\u{8}": output += "\\b"
            case "\u{C}": output += "\\f"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where scalar.value < 0x20 || isASCII && !scalar.isASCII: appendEscape(scalar)
            default: output.unicodeScalars.append(scalar)
            }
        }
        output += "\""
    }

    private mutating func appendEscape(_ scalar: Unicode.Scalar) {
        for unit in String(scalar).utf16 {
            let digits = String(unit, radix: 16)
            output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
    }
}
