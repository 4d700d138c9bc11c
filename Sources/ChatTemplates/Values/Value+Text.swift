import JSON

extension Value {
    /// The value as Python's `str` writes it.
    ///
    /// - Throws: `TemplateFailure` for what has no text of its own.
    func string() throws -> String {
        switch self {
        case .string(let text), .markup(let text): text
        case .undefined: ""
        default: try represented()
        }
    }

    /// The value as Python's `repr` writes it.
    func represented() throws -> String {
        var writer = ReprWriter()
        try writer.append(self)
        return writer.output
    }

    /// A number as Python writes it.
    static func text(of number: Double) -> String {
        if number.isNaN { return "nan" }
        if number.isInfinite { return number < 0 ? "-inf" : "inf" }
        return JSONValue.number(number).serialized()
    }
}

/// Writes values as Python's `repr` does.
struct ReprWriter {
    private(set) var output = ""
    private var depth = 0
    /// No value's text is longer than this; where a list holds itself many times, its text would be.
    private static let maximumBytes = 1 << 26

    mutating func append(_ value: Value) throws {
        guard output.utf8.count < Self.maximumBytes else {
            throw TemplateFailure.limit("a value's text is longer than \(Self.maximumBytes) bytes")
        }
        switch value {
        case .undefined: output += "Undefined"
        case .none: output += "None"
        case .bool(let value): output += value ? "True" : "False"
        case .int(let value): output += String(value)
        case .float(let value): output += Value.text(of: value)
        case .string(let text): output += Self.quoted(text)
        case .markup(let text): output += "Markup(\(Self.quoted(text)))"
        case .list(let list): try append("[", list.items, "]")
        case .tuple(let list): try append("(", list.items, list.items.count == 1 ? ",)" : ")")
        case .dictionary(let value): try append(value.entries)
        case .view(let view): try append("\(view.kind.rawValue)([", try view.items(), "])")
        case .range(let range):
            output += "range(\(range.start), \(range.stop)" + (range.step == 1 ? ")" : ", \(range.step))")
        case .namespace(let namespace):
            output += "<Namespace "
            try append(namespace.entries.map { (.string($0.name), $0.value) })
            output += ">"
        case .macro(let macro): output += "<Macro \(Self.quoted(macro.definition.name))>"
        case .loop(let loop): output += "<LoopContext \(loop.index0 + 1)/\(try loop.count())>"
        case .iterator, .function, .method, .cycler, .joiner:
            throw TemplateFailure.unsupported(
                "a value of type \(value.typeName) is printed, whose text differs from run to run; "
                    + "call it, or make a list of it by the filter 'list'")
        }
    }

    private mutating func nested(_ body: (inout Self) throws -> Void) throws {
        depth += 1
        defer { depth -= 1 }
        // Only namespaces can be nested deeper, or hold themselves.
        guard depth <= ListValue.maximumDepth else {
            throw TemplateFailure.limit("values are nested more than \(ListValue.maximumDepth) deep")
        }
        try body(&self)
    }

    private mutating func append(_ open: String, _ items: [Value], _ close: String) throws {
        try nested { writer in
            writer.output += open
            for (index, item) in items.enumerated() {
                if index > 0 { writer.output += ", " }
                try writer.append(item)
            }
            writer.output += close
        }
    }

    private mutating func append(_ entries: [(key: Value, value: Value)]) throws {
        try nested { writer in
            writer.output += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { writer.output += ", " }
                try writer.append(entry.key)
                writer.output += ": "
                try writer.append(entry.value)
            }
            writer.output += "}"
        }
    }

    static func quoted(_ text: String) -> String {
        let quote: Unicode.Scalar = text.utf8.contains(0x27) && !text.utf8.contains(0x22) ? "\"" : "'"
        var result = String.UnicodeScalarView([quote])
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\", quote: result.append(contentsOf: ["\\", scalar])
            case "\n": result.append(contentsOf: ["\\", "n"])
            case "\r": result.append(contentsOf: ["\\", "r"])
            case "\t": result.append(contentsOf: ["\\", "t"])
            case _ where scalar.isPythonPrintable: result.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                let (letter, width) =
                    scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
                let zeros = String(repeating: "0", count: width - digits.count)
                result.append(contentsOf: "\\\(letter)\(zeros)\(digits)".unicodeScalars)
            }
        }
        result.append(quote)
        return String(result)
    }
}
