/// Filters of numbers.
extension Filters {
    static let numbers: [String: Filter] = [
        "int": toInteger, "float": toFloat, "round": round, "sum": sum,
        "abs": { renderer, value, _ in
            if case .float(let number) = value { return .float(abs(number)) }
            let number = try renderer.numberOperand(value, "abs ")
            return number < 0 ? try renderer.negated(.int(number)) : .int(number)
        },
    ]

    private static let toInteger: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("int", ["default", "base"])
        let base = try bound[1].integer("int's base", default: 10)
        if case .undefined(let undefined) = value { throw undefined.failure }
        if let text = value.text {
            try renderer.spend(text: text)
            if let number = try NumberText.integer(text, base: base) { return .int(number) }
        }
        if let number = value.integer { return .int(number) }
        let number = value.double ?? value.text.flatMap(NumberText.double)
        guard let number, !number.isNaN else { return bound[0] ?? .int(0) }
        if number.isInfinite {
            if value.text == nil { throw TemplateFailure.rendering("cannot make a whole number of infinity") }
            return bound[0] ?? .int(0)
        }
        guard let integer = Int(exactly: number.rounded(.towardZero)) else {
            throw TemplateFailure.unsupported(
                "a whole number takes more than 64 bits, which these chat templates do not support")
        }
        return .int(integer)
    }

    private static let toFloat: Filter = { renderer, value, arguments in
        let replacement = try arguments.bound("float", ["default"])[0] ?? .float(0)
        if case .undefined(let undefined) = value { throw undefined.failure }
        if let number = value.double { return .float(number) }
        guard let text = value.text else { return replacement }
        try renderer.spend(text: text)
        return NumberText.double(text).map(Value.float) ?? replacement
    }

    private static let round: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("round", ["precision", "method"])
        let precision = try bound[0].integer("round's precision", default: 0)
        let method = try bound[1].optionalText("round's method") ?? "common"
        guard ["common", "ceil", "floor"].contains(method) else {
            throw TemplateFailure.rendering("round's method must be common, ceil or floor")
        }
        guard 0...300 ~= precision else {
            throw TemplateFailure.unsupported(
                "round's precision must be from 0 to 300 in these chat templates")
        }
        if case .float(let number) = value, method == "common" {
            guard number.isFinite else { return value }
            return .float(Double(NumberText.formatted(number, precision: precision, "f")) ?? number)
        }
        if case .float = value {} else { _ = try renderer.numberOperand(value, "round ") }
        if method == "common" { return .int(value.integer ?? 0) }
        let scale = try renderer.apply(.power, .int(10), .int(precision))
        let scaled = try renderer.apply(.multiply, value, scale)
        var whole = scaled
        if case .float(let number) = scaled {
            guard let integer = Int(exactly: number.rounded(method == "ceil" ? .up : .down)) else {
                throw TemplateFailure.rendering("cannot round \(Value.text(of: number)) to a whole number")
            }
            whole = .int(integer)
        }
        return try renderer.apply(.divide, whole, scale)
    }

    private static let sum: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("sum", ["attribute", "start"])
        let path = AttributePath(bound[0])
        var result = bound[1] ?? .int(0)
        guard result.text == nil else { throw TemplateFailure.rendering("sum cannot add strings; use join") }
        for item in try renderer.items(of: value) {
            result = try renderer.apply(.add, result, path.value(of: item, renderer))
        }
        return result
    }
}

/// Numbers in texts, as Python reads them.
enum NumberText {
    /// The whole number that a text is.
    ///
    /// - Throws: `TemplateFailure` for one of more than 64 bits.
    static func integer(_ text: String, base: Int) throws -> Int? {
        guard base == 0 || 2...36 ~= base else { return nil }
        var digits = text.stripped(nil)[...]
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits.removeFirst() }
        var radix = base
        if let (prefix, value) = [("0b", 2), ("0o", 8), ("0x", 16)].first(where: {
            digits.lowercased().hasPrefix($0.0)
        }),
            base == value || base == 0
        {
            radix = value
            digits = digits.dropFirst(prefix.count)
            if digits.hasPrefix("_") { digits.removeFirst() }
        } else if base == 0 {
            radix = 10
            if digits.hasPrefix("0"), digits.contains(where: { $0 != "0" && $0 != "_" }) { return nil }
        }
        guard let plain = withoutUnderscores(digits, { $0.isHexDigit || $0.isLetter }),
            plain.allSatisfy({ $0.isASCII && Int(String($0), radix: 36).map { $0 < radix } == true })
        else { return nil }
        guard let number = Int((isNegative ? "-" : "") + plain, radix: radix) else {
            throw TemplateFailure.unsupported(
                "the number \(quoted(text)) takes more than 64 bits, which these chat templates do not support"
            )
        }
        return number
    }

    /// The number that a text is.
    static func double(_ text: String) -> Double? {
        let stripped = text.stripped(nil)
        var magnitude = stripped.lowercased()[...]
        let isNegative = magnitude.hasPrefix("-")
        if isNegative || magnitude.hasPrefix("+") { magnitude.removeFirst() }
        switch magnitude {
        case "inf", "infinity": return isNegative ? -.infinity : .infinity
        case "nan": return .nan
        default: break
        }
        guard let plain = withoutUnderscores(magnitude, \.isNumber), let first = plain.first,
            first.isNumber || first == ".", plain.contains(where: \.isNumber),
            plain.allSatisfy({ "0123456789.e+-".contains($0) })
        else { return nil }
        // A point needs no digits on both of its sides in Python.
        let parts = plain.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0].contains(where: \.isNumber) else { return nil }
        let mantissa = (parts[0].hasPrefix(".") ? "0" : "") + parts[0] + (parts[0].hasSuffix(".") ? "0" : "")
        let number = Double(parts.count == 1 ? mantissa : mantissa + "e" + parts[1])
        return number.map { isNegative ? -$0 : $0 }
    }

    /// Digits without the single underscores between them.
    private static func withoutUnderscores(_ digits: Substring, _ isDigit: (Character) -> Bool) -> String? {
        var plain = ""
        var previous: Character = "_"
        for character in digits {
            if character == "_", !isDigit(previous) { return nil }
            if previous == "_", !plain.isEmpty, !isDigit(character) { return nil }
            if character != "_" { plain.append(character) }
            previous = character
        }
        return plain.isEmpty || previous == "_" ? nil : plain
    }
}
