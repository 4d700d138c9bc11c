/// Filters of texts.
extension Filters {
    static let texts: [String: Filter] = [
        "trim": trim, "string": { renderer, value, _ in try renderer.soft(value) },
        "safe": { renderer, value, _ in .markup(try renderer.text(of: value)) },
        "upper": { renderer, value, _ in try renderer.changed(value, \.pythonUppercased) },
        "lower": { renderer, value, _ in try renderer.changed(value, \.pythonLowercased) },
        "capitalize": { renderer, value, _ in try renderer.changed(value, \.pythonCapitalized) },
        "title": { renderer, value, _ in try renderer.changed(value, title) },
        "escape": escape, "e": escape,
        "forceescape": { renderer, value, _ in .markup(try renderer.text(of: value).escapedForHTML) },
        "replace": replace, "indent": indent, "truncate": truncate, "center": center, "wordcount": wordCount,
        "format": format, "tojson": toJSON,
    ]

    private static let trim: Filter = { renderer, value, arguments in
        let characters = try arguments.bound("trim", ["chars"])[0].optionalText("trim's characters")
        return try renderer.changed(value) { $0.stripped(characters) }
    }

    private static let escape: Filter = { renderer, value, _ in
        value.isMarkup ? value : .markup(try renderer.text(of: value).escapedForHTML)
    }

    private static let replace: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("replace", ["old", "new", "count"], required: 2)
        let count = bound[2]?.isNone == true ? -1 : try bound[2].integer("replace's count", default: -1)
        let old = try renderer.text(of: bound[0] ?? .none)
        let new = try renderer.text(of: bound[1] ?? .none)
        return .string(try renderer.replaced(try renderer.text(of: value), old, new, count))
    }

    /// Words begin after white space, hyphens and opening brackets.
    private static let title: @Sendable (String) -> String = { text in
        var result = ""
        var word = String.UnicodeScalarView()
        func end() {
            guard let first = word.first else { return }
            result += String(first).pythonUppercased + String(word.dropFirst()).pythonLowercased
            word = String.UnicodeScalarView()
        }
        for scalar in text.unicodeScalars {
            if scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar) {
                end()
                result.unicodeScalars.append(scalar)
            } else {
                word.append(scalar)
            }
        }
        end()
        return result
    }

    private static let indent: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("indent", ["width", "first", "blank"])
        guard let text = value.text else {
            throw TemplateFailure.rendering("indent takes a string, not '\(value.typeName)'")
        }
        let width = try bound[0]?.text == nil ? bound[0].integer("indent's width", default: 4) : 0
        try renderer.spend(bytes: max(width, 0))
        let indentation = bound[0]?.text ?? String(repeating: " ", count: max(width, 0))
        let lines = (text + "\n").lines()
        let (bytes, isTooLong) = indentation.utf8.count.multipliedReportingOverflow(by: lines.count)
        try renderer.spend(bytes: isTooLong ? .max : bytes)
        let indentsBlank = bound[2]?.isTrue == true
        var result = lines.enumerated().map { index, line in
            index == 0 || line.isEmpty && !indentsBlank ? line : indentation + line
        }.joined(separator: "\n")
        if bound[1]?.isTrue == true { result = indentation + result }
        return value.sameKind(result)
    }

    private static let truncate: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("truncate", ["length", "killwords", "end", "leeway"])
        let length = try bound[0].integer("truncate's length", default: 255)
        let end = try bound[2].optionalText("truncate's end") ?? "..."
        let leeway = bound[3]?.isNone == true ? 5 : try bound[3].integer("truncate's leeway", default: 5)
        guard length >= end.unicodeScalars.count, leeway >= 0 else {
            throw TemplateFailure.rendering("truncate's length must be at least that of its end")
        }
        if let count = try value.count(), count - leeway <= length { return value }
        guard let text = value.text else {
            throw TemplateFailure.rendering("truncate takes a string, not '\(value.typeName)'")
        }
        try renderer.spend(text: text)
        let scalars = Array(text.unicodeScalars)
        let kept = length - end.unicodeScalars.count
        var start = scalars.prefix(kept)
        if bound[1]?.isTrue != true, let space = start.lastIndex(of: " ") { start = start[..<space] }
        return value.sameKind(String(scalars: start) + end)
    }

    private static let center: Filter = { renderer, value, arguments in
        let width = try arguments.bound("center", ["width"])[0].integer("center's width", default: 80)
        try renderer.spend(bytes: max(width, 0))
        return try renderer.changed(value) { text in
            let count = text.unicodeScalars.count
            guard width > count else { return text }
            let margin = width - count
            let left = margin / 2 + (margin & width & 1)
            return String(repeating: " ", count: left) + text + String(repeating: " ", count: margin - left)
        }
    }

    private static let wordCount: Filter = { renderer, value, _ in
        var count = 0
        var isInWord = false
        for scalar in try renderer.text(of: value).unicodeScalars {
            let isWord =
                scalar == "_" || scalar.properties.isAlphabetic || scalar.properties.numericType != nil
            if isWord, !isInWord { count += 1 }
            isInWord = isWord
        }
        return .int(count)
    }

    private static let format: Filter = { renderer, value, arguments in
        guard arguments.positional.isEmpty || arguments.named.isEmpty else {
            throw TemplateFailure.rendering("format takes values by their places or by names, not both")
        }
        let text = try renderer.soft(value)
        if arguments.named.isEmpty {
            return try PercentFormat.formatted(renderer, text, .tuple(arguments.positional))
        }
        let named = try DictionaryValue(arguments.named.map { (.string($0.name), $0.value) })
        return try PercentFormat.formatted(renderer, text, .dictionary(named))
    }

    private static let toJSON: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("tojson", ["ensure_ascii", "indent", "separators", "sort_keys"])
        var writer = ValueJSONWriter()
        writer.isASCII = bound[0]?.isTrue ?? false
        writer.sortsKeys = bound[3]?.isTrue ?? false
        if let indent = bound[1], !indent.isNone {
            let width = try indent.text == nil ? Optional(indent).integer("tojson's indent", default: 0) : 0
            guard width <= 1000 else { throw TemplateFailure.limit("tojson's indent is more than 1,000") }
            writer.indent = indent.text ?? String(repeating: " ", count: max(width, 0))
            writer.itemSeparator = ","
        }
        if let separators = bound[2], !separators.isNone {
            let items = try separators.items()
            guard items.count == 2, let item = items[0].text, let key = items[1].text else {
                throw TemplateFailure.rendering("tojson's separators must be two strings")
            }
            (writer.itemSeparator, writer.keySeparator) = (item, key)
        }
        // An indent is written for each value, on each of up to 160 levels.
        let perValue = writer.indent.map { 1 + $0.utf8.count * (value.depth + 1) } ?? 1
        try renderer.spend(
            bytes: value.size * (perValue + writer.itemSeparator.utf8.count + writer.keySeparator.utf8.count))
        try writer.append(value)
        try renderer.spend(text: writer.output)
        return .string(writer.output)
    }
}

extension Renderer {
    /// A text as it is, anything else as its text.
    func soft(_ value: Value) throws -> Value { value.text == nil ? .string(try text(of: value)) : value }

    /// A text with its characters changed; safe HTML stays so.
    func changed(_ value: Value, _ change: (String) throws -> String) throws -> Value {
        let text = try text(of: value)
        try spend(text: text)
        return value.sameKind(try change(text))
    }

    /// A text with another replaced.
    ///
    /// - Parameter count: How many times at most; negative for every time.
    func replaced(_ text: String, _ old: String, _ new: String, _ count: Int) throws -> String {
        try spend(text: text)
        let limit = count < 0 ? Int.max : count
        let found = old.isEmpty ? text.unicodeScalars.count + 1 : text.ranges(of: old, limit: limit).count
        let (bytes, isTooLong) = min(found, limit).multipliedReportingOverflow(by: new.utf8.count)
        try spend(bytes: isTooLong ? .max : bytes)
        return text.replacing(old, by: new, limit: limit)
    }
}
