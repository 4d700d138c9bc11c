/// The methods of strings.
extension Methods {
    static let texts: Set<String> = [
        "split", "rsplit", "strip", "lstrip", "rstrip", "startswith", "endswith", "replace", "upper", "lower",
        "title",
        "capitalize", "swapcase", "casefold", "find", "rfind", "index", "rindex", "count", "join",
        "splitlines",
        "format", "isspace", "isdigit", "isdecimal", "isnumeric", "isalpha", "isalnum", "islower", "isupper",
        "istitle", "isascii", "isprintable", "removeprefix", "removesuffix", "partition", "rpartition",
        "zfill",
        "ljust", "rjust", "center", "expandtabs",
    ]

    static func callText(
        _ renderer: Renderer, _ receiver: Value, _ text: String, _ name: String, _ arguments: Arguments
    ) throws -> Value {
        func none() throws { _ = try arguments.unnamed(name, atMost: 0) }
        func changed(_ new: String) -> Value { receiver.sameKind(new) }
        switch name {
        case "split", "rsplit": return try split(receiver, text, fromEnd: name == "rsplit", arguments)
        case "strip", "lstrip", "rstrip":
            let characters = try arguments.unnamed(name, atMost: 1)[0].optionalText("\(name)'s characters")
            return changed(text.stripped(characters, start: name != "rstrip", end: name != "lstrip"))
        case "startswith", "endswith": return .bool(try hasAffix(text, name, arguments))
        case "replace":
            let given = try arguments.unnamed(name, atLeast: 2, atMost: 3)
            let (old, new) = (try given[0].required("replace"), try given[1].required("replace"))
            let count = try given[2].integer("replace's count", default: -1)
            let escaped = receiver.isMarkup && given[1]?.isMarkup == false ? new.escapedForHTML : new
            return changed(try renderer.replaced(text, old, escaped, count))
        case "find", "rfind", "index", "rindex", "count": return try search(text, name, arguments)
        case "join":
            let items = try renderer.items(of: try arguments.unnamed(name, atLeast: 1, atMost: 1)[0] ?? .none)
            return try join(renderer, receiver, text, items)
        case "splitlines":
            let keeps = try arguments.bound(name, ["keepends"])[0]?.isTrue ?? false
            return try .list(text.lines(keepingEnds: keeps).map(changed))
        case "format": return changed(try BraceFormat.formatted(renderer, text, arguments))
        case "removeprefix", "removesuffix":
            let affix = try arguments.unnamed(name, atLeast: 1, atMost: 1)[0].required(name)
            let isPrefix = name == "removeprefix"
            let (all, part) = (Array(text.utf8), Array(affix.utf8))
            guard isPrefix ? all.starts(with: part) : all.reversed().starts(with: part.reversed()) else {
                return receiver
            }
            let rest = isPrefix ? all.dropFirst(part.count) : all.dropLast(part.count)
            return changed(String(decoding: rest, as: UTF8.self))
        case "partition", "rpartition": return try partition(receiver, text, name, arguments)
        case "zfill", "ljust", "rjust", "center": return changed(try padded(renderer, text, name, arguments))
        case "expandtabs":
            throw TemplateFailure.unsupported("'expandtabs' is not supported by these chat templates")
        default:
            try none()
            if let change = changes[name] { return changed(change(text)) }
            return .bool(examined(text, name))
        }
    }

    private static let changes: [String: @Sendable (String) -> String] = [
        "upper": { $0.pythonUppercased }, "lower": { $0.pythonLowercased }, "title": { $0.pythonTitlecased },
        "capitalize": { $0.pythonCapitalized }, "casefold": { $0.pythonLowercased.pythonCasefolded },
        "swapcase": { text in
            text.unicodeScalars.reduce(into: "") { result, scalar in
                let properties = scalar.properties
                result += properties.isUppercase ? properties.lowercaseMapping : properties.uppercaseMapping
            }
        },
    ]

    private static func examined(_ text: String, _ name: String) -> Bool {
        let scalars = text.unicodeScalars
        func all(_ test: (Unicode.Scalar) -> Bool) -> Bool { !scalars.isEmpty && scalars.allSatisfy(test) }
        func isLetter(_ scalar: Unicode.Scalar) -> Bool {
            switch scalar.properties.generalCategory {
            case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
            default: false
            }
        }
        switch name {
        case "isspace": return all(\.isPythonSpace)
        case "isdecimal": return all { $0.properties.numericType == .decimal }
        case "isdigit":
            return all { $0.properties.numericType == .decimal || $0.properties.numericType == .digit }
        case "isnumeric": return all { $0.properties.numericType != nil }
        case "isalpha": return all(isLetter)
        case "isalnum": return all { isLetter($0) || $0.properties.numericType != nil }
        case "islower": return text.hasCase(upper: false)
        case "isupper": return text.hasCase(upper: true)
        case "istitle": return text.isPythonTitle
        case "isascii": return scalars.allSatisfy(\.isASCII)
        default: return scalars.allSatisfy(\.isPythonPrintable)
        }
    }

    private static func hasAffix(_ text: String, _ name: String, _ arguments: Arguments) throws -> Bool {
        let given = try arguments.unnamed(name, atLeast: 1, atMost: 3)
        let count = text.unicodeScalars.count
        let bounds = Bounds(
            try given[1].integer("\(name)'s start", default: 0),
            try given[2].integer("\(name)'s end", default: count), count)
        guard bounds.isValid else { return false }
        let part = Array(text.unicodeScalars)[bounds.range]
        var affixes = [given[0] ?? .none]
        if case .tuple(let list) = affixes[0] { affixes = list.items }
        return try affixes.contains { affix in
            let affix = try Optional(affix).required(name).unicodeScalars
            return name == "startswith"
                ? part.starts(with: affix) : part.reversed().starts(with: affix.reversed())
        }
    }

    private static func join(
        _ renderer: Renderer, _ receiver: Value, _ separator: String, _ items: [Value]
    ) throws -> Value {
        var result = ""
        for (index, item) in items.enumerated() {
            let text =
                receiver.isMarkup
                ? item.escaped(try renderer.text(of: item)) : try Optional(item).required("join")
            try renderer.spend(bytes: separator.utf8.count + text.utf8.count)
            result += (index > 0 ? separator : "") + text
            try renderer.spend(bytes: result.utf8.count > renderer.limits.textBytes ? .max : 0)
        }
        return receiver.sameKind(result)
    }

    private static func padded(
        _ renderer: Renderer, _ text: String, _ name: String, _ arguments: Arguments
    ) throws -> String {
        let given = try arguments.unnamed(name, atLeast: 1, atMost: name == "zfill" ? 1 : 2)
        let width = try given[0].integer("\(name)'s width", default: 0)
        let fill = name == "zfill" ? "0" : try given[1].optionalText("\(name)'s fill") ?? " "
        guard fill.unicodeScalars.count == 1 else {
            throw TemplateFailure.rendering("\(name) fills with one character, not \(quoted(fill))")
        }
        let count = text.unicodeScalars.count
        guard width > count else { return text }
        try renderer.spend(bytes: width)
        let margin = width - count
        func filled(_ count: Int) -> String { String(repeating: fill, count: count) }
        switch name {
        case "zfill":
            let sign = text.unicodeScalars.prefix { $0 == "-" || $0 == "+" }.prefix(1)
            return String(sign) + filled(margin) + String(text.unicodeScalars.dropFirst(sign.count))
        case "ljust": return text + filled(margin)
        case "rjust": return filled(margin) + text
        default:
            let left = margin / 2 + (margin & width & 1)
            return filled(left) + text + filled(margin - left)
        }
    }
}

extension Value? {
    /// A string that must be given.
    func required(_ what: String) throws -> String {
        guard let self, let text = self.text else {
            if case .undefined(let undefined)? = self { throw undefined.failure }
            throw TemplateFailure.rendering("\(what) takes a string, not '\(self?.typeName ?? "nothing")'")
        }
        return text
    }
}
