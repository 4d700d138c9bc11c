/// What follows a value.
extension Parser {
    /// Reads attributes, subscripts and calls.
    mutating func parseAccess() throws -> [Postfix] {
        var suffixes: [Postfix] = []
        while true {
            let line = current.line
            if skip(symbol: ".") {
                suffixes.append(Postfix(kind: try parseAttribute(), line: line))
            } else if isSymbol("[") {
                suffixes.append(Postfix(kind: try parseSubscript(), line: line))
            } else if isSymbol("(") {
                suffixes.append(Postfix(kind: .call(try parseArguments()), line: line))
            } else {
                return suffixes
            }
        }
    }

    private mutating func parseAttribute() throws -> Postfix.Kind {
        let token = current
        switch token.kind {
        case .name:
            advance()
            return .attribute(token.text)
        case .integer: return .item(try parsePrimary())
        default: throw unexpected("a name or a number")
        }
    }

    private mutating func parseSubscript() throws -> Postfix.Kind {
        let line = advance().line
        var parts: [Postfix.Kind] = []
        while !isSymbol("]") {
            if !parts.isEmpty { try expect(symbol: ",") }
            parts.append(try parseSubscriptPart())
        }
        advance()
        if parts.count == 1 { return parts[0] }
        let items = try parts.map { part in
            guard case .item(let item) = part else {
                throw TemplateFailure.unsupported(
                    "several slices in one subscript are not supported by these chat templates", line: line)
            }
            return item
        }
        return .item(Expression(.tuple(items), line: line))
    }

    private mutating func parseSubscriptPart() throws -> Postfix.Kind {
        var start: Expression?
        if !isSymbol(":") {
            let item = try parseExpression()
            guard isSymbol(":") else { return .item(item) }
            start = item
        }
        advance()
        let stop = endsSlicePart ? nil : try parseExpression()
        var step: Expression?
        if skip(symbol: ":"), !isSymbol("]"), !isSymbol(",") { step = try parseExpression() }
        return .slice(start: start, stop: stop, step: step)
    }

    private var endsSlicePart: Bool { isSymbol(":") || isSymbol("]") || isSymbol(",") }

    mutating func parseFiltersAndTests() throws -> [Postfix] {
        var suffixes: [Postfix] = []
        while true {
            if isSymbol("|") {
                suffixes.append(try parseFilter())
            } else if isName("is") {
                suffixes.append(try parseTest())
            } else if isSymbol("(") {
                let line = current.line
                suffixes.append(Postfix(kind: .call(try parseArguments()), line: line))
            } else {
                return suffixes
            }
        }
    }

    /// Reads `|`, a filter's name and its arguments.
    mutating func parseFilter() throws -> Postfix {
        advance()
        let line = current.line
        let name = try parseDottedName()
        let arguments = isSymbol("(") ? try parseArguments() : CallArguments()
        return Postfix(kind: .filter(name, arguments), line: line)
    }

    private mutating func parseDottedName() throws -> String {
        var name = try expectName().text
        while skip(symbol: ".") { name += "." + (try expectName().text) }
        return name
    }

    private mutating func parseTest() throws -> Postfix {
        let line = advance().line
        let isNegated = skip(name: "not")
        let name = try parseDottedName()
        var arguments = CallArguments()
        if isSymbol("(") {
            arguments = try parseArguments()
        } else if startsTestArgument {
            if isName("is") {
                throw TemplateFailure.syntax(
                    "tests with 'is' cannot be chained; join them by 'and'", line: line)
            }
            let primary = try nested { try $0.parsePrimary() }
            let access = try parseAccess()
            let argument = access.isEmpty ? primary : Expression(.postfix(primary, access), line: line)
            arguments.positional = [argument]
        }
        return Postfix(kind: .test(name, arguments, isNegated: isNegated), line: line)
    }

    private var startsTestArgument: Bool {
        switch current.kind {
        case .name: !["else", "or", "and"].contains(current.text)
        case .string, .integer, .float: true
        default: isSymbol("[") || isSymbol("{")
        }
    }

    mutating func parseArguments() throws -> CallArguments {
        let line = advance().line
        var arguments = CallArguments()
        func check(_ isValid: Bool) throws {
            guard isValid else {
                throw TemplateFailure.syntax(
                    "a call's arguments are in an order that is not allowed", line: line)
            }
        }
        var isFirst = true
        var names: Set<String> = []
        while !isSymbol(")") {
            if !isFirst {
                try expect(symbol: ",")
                if isSymbol(")") { break }
            }
            isFirst = false
            if skip(symbol: "*") {
                try check(arguments.list == nil && arguments.dictionary == nil)
                arguments.list = try parseExpression()
            } else if skip(symbol: "**") {
                try check(arguments.dictionary == nil)
                arguments.dictionary = try parseExpression()
            } else if current.kind == .name, next.kind == .symbol, next.text == "=" {
                try check(arguments.dictionary == nil)
                let name = advance().text
                advance()
                if !names.insert(name).inserted {
                    throw TemplateFailure.syntax("the argument '\(name)' is given twice", line: line)
                }
                arguments.named.append((name, try parseExpression()))
            } else {
                try check(arguments.list == nil && arguments.dictionary == nil && arguments.named.isEmpty)
                arguments.positional.append(try parseExpression())
            }
        }
        advance()
        return arguments
    }
}
