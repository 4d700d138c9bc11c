/// Python's `text % values`.
struct PercentFormat {
    private let renderer: Renderer
    private let values: Value
    private let template: Value
    private var rest: ArraySlice<Unicode.Scalar>
    private var next = 0
    private var output = ""

    /// Returns a text with values put into its places.
    ///
    /// - Parameters:
    ///   - template: The text.
    ///   - values: A tuple, a mapping for places with names, or the value of the only place.
    static func formatted(_ renderer: Renderer, _ template: Value, _ values: Value) throws -> Value {
        let text = template.text ?? ""
        try renderer.spend(text: text)
        var format = PercentFormat(
            renderer: renderer, values: values, template: template, rest: Array(text.unicodeScalars)[...])
        try format.run()
        try renderer.spend(text: format.output)
        return template.sameKind(format.output)
    }

    private mutating func run() throws {
        while let scalar = rest.popFirst() {
            guard scalar == "%" else {
                output.unicodeScalars.append(scalar)
                continue
            }
            if rest.first == "%" {
                rest.removeFirst()
                output += "%"
            } else {
                try place()
            }
        }
        if case .tuple(let list) = values, next < list.items.count {
            throw TemplateFailure.rendering("not all values find a place in the text")
        }
        switch values {
        case .tuple, .dictionary, .list, .range, .undefined: break
        default:
            guard next > 0 else { throw TemplateFailure.rendering("not all values find a place in the text") }
        }
    }

    private mutating func value() throws -> Value {
        defer { next += 1 }
        if case .tuple(let list) = values {
            guard next < list.items.count else {
                throw TemplateFailure.rendering("the text has more places than values")
            }
            return list.items[next]
        }
        guard next == 0 else { throw TemplateFailure.rendering("the text has more places than values") }
        return values
    }

    private mutating func number() throws -> Int? {
        if rest.first == "*" {
            rest.removeFirst()
            return try Optional(value()).integer("a width", default: 0)
        }
        let digits = rest.prefix(while: \.isDigit)
        rest = rest.dropFirst(digits.count)
        return digits.isEmpty ? nil : Int(String(scalars: digits)) ?? .max
    }

    private mutating func place() throws {
        var named: Value?
        if rest.first == "(" {
            guard case .dictionary(let dictionary) = values, let end = rest.firstIndex(of: ")") else {
                throw TemplateFailure.rendering("a place with a name takes a mapping")
            }
            let name = String(scalars: rest[(rest.startIndex + 1)..<end])
            guard let value = dictionary[name] else {
                throw TemplateFailure.rendering("there is no value \(quoted(name))")
            }
            named = value
            rest = rest[(end + 1)...]
        }
        let flags = rest.prefix { "-+ #0".unicodeScalars.contains($0) }
        rest = rest.dropFirst(flags.count)
        var width = try number() ?? 0
        var precision: Int?
        if rest.first == "." {
            rest.removeFirst()
            precision = max(try number() ?? 0, 0)
        }
        if let letter = rest.first, "hlL".unicodeScalars.contains(letter) { rest.removeFirst() }
        guard let kind = rest.popFirst() else {
            throw TemplateFailure.rendering("the text ends inside of a place")
        }
        var isLeft = flags.contains("-")
        if width < 0 { (width, isLeft) = (width == .min ? .max : -width, true) }
        try renderer.spend(bytes: width)
        try renderer.spend(bytes: max(precision ?? 0, 0))
        let value = try named ?? value()
        var text = try converted(value, kind, precision, flags)
        let margin = width - text.unicodeScalars.count
        if margin > 0 {
            if isLeft {
                text += String(repeating: " ", count: margin)
            } else if flags.contains("0"), !"sra".unicodeScalars.contains(kind) {
                let sign = text.prefix { "+- ".contains($0) }
                text = sign + String(repeating: "0", count: margin) + text.dropFirst(sign.count)
            } else {
                text = String(repeating: " ", count: margin) + text
            }
        }
        output += template.isMarkup && !value.isMarkup ? text.escapedForHTML : text
    }

    private func converted(
        _ value: Value, _ kind: Unicode.Scalar, _ precision: Int?, _ flags: ArraySlice<Unicode.Scalar>
    ) throws -> String {
        func signed(_ text: String) -> String {
            text.hasPrefix("-")
                ? text : flags.contains("+") ? "+" + text : flags.contains(" ") ? " " + text : text
        }
        switch kind {
        case "s", "r":
            let text = kind == "s" ? try renderer.text(of: value) : try value.represented()
            return precision.map { String(String.UnicodeScalarView(text.unicodeScalars.prefix($0))) } ?? text
        case "d", "i", "u":
            let number = try whole(value)
            let digits = String(number.magnitude)
            let zeros = String(repeating: "0", count: max(0, (precision ?? 0) - digits.count))
            return signed((number < 0 ? "-" : "") + zeros + digits)
        case "x", "X", "o":
            guard precision == nil, !flags.contains("#") else { throw unsupported(kind) }
            guard let number = value.integer else {
                throw TemplateFailure.rendering("%\(kind) takes a whole number")
            }
            return signed(String(number, radix: kind == "o" ? 8 : 16, uppercase: kind == "X"))
        case "f", "F", "e", "E", "g", "G":
            guard let number = value.double else {
                throw TemplateFailure.rendering("%\(kind) takes a number")
            }
            guard precision ?? 0 <= 300, !flags.contains("#") else { throw unsupported(kind) }
            guard number.isFinite else { return signed(Value.text(of: number)) }
            return signed(NumberText.formatted(number, precision: precision ?? 6, kind))
        case "c", "a": throw unsupported(kind)
        default: throw TemplateFailure.rendering("the text has an unknown place '%\(kind)'")
        }
    }

    private func whole(_ value: Value) throws -> Int {
        if let number = value.integer { return number }
        guard let number = value.double else {
            throw TemplateFailure.rendering("%d takes a number, not '\(value.typeName)'")
        }
        guard let whole = Int(exactly: number.rounded(.towardZero)) else {
            throw TemplateFailure.rendering("%d takes a number of at most 64 bits")
        }
        return whole
    }

    private func unsupported(_ kind: Unicode.Scalar) -> TemplateFailure {
        .unsupported(
            "this form of '%\(kind)' is not supported by these chat templates; use '%s', '%d' or '%f'")
    }
}
