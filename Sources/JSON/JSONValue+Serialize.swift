extension JSONValue {
    /// The value as JSON text, in UTF-8 without needless escapes.
    ///
    /// Numbers are written as Python writes them (`2.0`, `1e-12`). A number that is not finite has no JSON
    /// form and becomes `null`, as in JavaScript.
    ///
    /// - Parameters:
    ///   - pretty: one member per line, indented by two spaces, as Python's `json.dumps(indent=2)` does;
    ///     otherwise no white space at all.
    ///   - sortedKeys: objects sorted by key (by code points, as Python's `sort_keys=True`), not in order of
    ///     insertion.
    public func serialized(pretty: Bool = false, sortedKeys: Bool = false) -> String {
        var serializer = JSONSerializer(pretty: pretty, sortedKeys: sortedKeys)
        serializer.append(self)
        return String(decoding: serializer.output, as: UTF8.self)
    }
}

/// Builds JSON text byte by byte.
struct JSONSerializer {
    let pretty: Bool
    let sortedKeys: Bool
    private(set) var output: [UInt8] = []
    private var depth = 0

    init(pretty: Bool, sortedKeys: Bool) {
        self.pretty = pretty
        self.sortedKeys = sortedKeys
    }

    mutating func append(_ value: JSONValue) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .integer(let value): append(String(value))
        case .number(let value): append(value.isFinite ? pythonRepr(value) : "null")
        case .string(let value): appendQuoted(value)
        case .array(let elements):
            appendList("[", elements, "]") { $0.append($1) }
        case .object(let object):
            let members = sortedKeys ? object.sorted { $0.key.bytesPrecede($1.key) } : Array(object)
            appendList("{", members, "}") { serializer, member in
                serializer.appendQuoted(member.key)
                serializer.append(serializer.pretty ? ": " : ":")
                serializer.append(member.value)
            }
        }
    }

    private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }

    private mutating func appendList<Item>(
        _ open: String, _ items: [Item], _ close: String, _ appendItem: (inout Self, Item) -> Void
    ) {
        append(open)
        depth += 1
        for (index, item) in items.enumerated() {
            if index > 0 { append(",") }
            appendLineBreak()
            appendItem(&self, item)
        }
        depth -= 1
        if !items.isEmpty { appendLineBreak() }
        append(close)
    }

    private mutating func appendLineBreak() {
        guard pretty else { return }
        output.append(UInt8(ascii: "\n"))
        output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
    }

    private mutating func appendQuoted(_ text: String) {
        output.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x08: append("\\b")
            case 0x0C: append("\\f")
            case 0x0A: append("\\n")
            case 0x0D: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20: append((byte < 0x10 ? "\\u000" : "\\u00") + String(byte, radix: 16))
            default: output.append(byte)
            }
        }
        output.append(UInt8(ascii: "\""))
    }
}
