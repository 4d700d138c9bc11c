/// Names, literals and tuples.
extension Parser {
    mutating func parsePrimary() throws -> Expression {
        let token = current
        let line = token.line
        switch token.kind {
        case .name:
            advance()
            return Expression(Self.nameKind(token.text), line: line)
        case .string:
            var text = ""
            while current.kind == .string { text += advance().text }
            return Expression(.constant(.string(text)), line: line)
        case .integer:
            advance()
            return Expression(.constant(.integer(try integer(token))), line: line)
        case .float:
            advance()
            return Expression(.constant(.float(Double(token.text) ?? .infinity)), line: line)
        case .symbol where token.text == "(":
            advance()
            let tuple = try parseTuple(inParentheses: true)
            try expect(symbol: ")")
            return tuple
        case .symbol where token.text == "[": return try parseList()
        case .symbol where token.text == "{": return try parseDictionary()
        default: throw TemplateFailure.syntax("unexpected \(token.described)", line: line)
        }
    }

    private static func nameKind(_ name: String) -> Expression.Kind {
        switch name {
        case "true", "True": .constant(.bool(true))
        case "false", "False": .constant(.bool(false))
        case "none", "None": .constant(.none)
        default: .name(name)
        }
    }

    private func integer(_ token: Token) throws -> Int {
        var digits = Substring(token.text)
        var radix = 10
        if digits.first == "0", let letter = digits.dropFirst().first?.lowercased(),
            let prefix = ["b": 2, "o": 8, "x": 16][letter]
        {
            radix = prefix
            digits = digits.dropFirst(2)
        }
        guard let value = Int(digits, radix: radix) else {
            throw TemplateFailure.unsupported(
                "the number \(quoted(token.text)) takes more than 64 bits, which these chat templates do not "
                    + "support", line: token.line)
        }
        return value
    }

    /// True where a tuple without parentheses ends.
    var isTupleEnd: Bool {
        switch current.kind {
        case .variableEnd, .blockEnd: true
        default: isSymbol(")")
        }
    }

    /// Reads an expression, or several between commas.
    mutating func parseTuple(
        withConditional: Bool = true, inParentheses: Bool = false, endingAtRecursive: Bool = false
    ) throws -> Expression {
        let line = current.line
        var items: [Expression] = []
        var isTuple = false
        while true {
            if !items.isEmpty { try expect(symbol: ",") }
            if isTupleEnd || endingAtRecursive && isName("recursive") { break }
            items.append(try parseExpression(withConditional: withConditional))
            guard isSymbol(",") else { break }
            isTuple = true
        }
        if !isTuple {
            if let item = items.first { return item }
            guard inParentheses else { throw unexpected("an expression") }
        }
        return Expression(.tuple(items), line: line)
    }

    private mutating func parseList() throws -> Expression {
        let line = advance().line
        var items: [Expression] = []
        while !isSymbol("]") {
            if !items.isEmpty { try expect(symbol: ",") }
            if isSymbol("]") { break }
            items.append(try parseExpression())
        }
        advance()
        return Expression(.list(items), line: line)
    }

    private mutating func parseDictionary() throws -> Expression {
        let line = advance().line
        var items: [(key: Expression, value: Expression)] = []
        while !isSymbol("}") {
            if !items.isEmpty { try expect(symbol: ",") }
            if isSymbol("}") { break }
            let key = try parseExpression()
            try expect(symbol: ":")
            items.append((key, try parseExpression()))
        }
        advance()
        return Expression(.dictionary(items), line: line)
    }
}
