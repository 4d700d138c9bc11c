extension Parser {
    /// The statements that these templates do not have.
    private static let unsupported: Set<String> = [
        "block", "extends", "include", "import", "from", "autoescape", "call", "filter", "print",
    ]

    /// Reads statements up to one of the tags, whose name is then the current token, or to the end of the template.
    mutating func parseStatements(until ends: [String]) throws -> [Statement] {
        try nested { parser in
            var statements: [Statement] = []
            while parser.current.kind != .end {
                let token = parser.advance()
                switch token.kind {
                case .data: statements.append(Statement(.text(token.text), line: token.line))
                case .variableBegin:
                    let expression = try parser.parseTuple()
                    try parser.expect(.variableEnd, "'}}'")
                    statements.append(Statement(.output(expression), line: token.line))
                default:
                    if parser.current.kind == .name, ends.contains(parser.current.text) { return statements }
                    statements.append(try parser.parseStatement(expecting: ends))
                    try parser.expect(.blockEnd, "'%}'")
                }
            }
            guard ends.isEmpty else {
                let tags = ends.map { "'\($0)'" }.joined(separator: " or ")
                throw TemplateFailure.syntax(
                    "the template ends where \(tags) is still missing", line: parser.current.line)
            }
            return statements
        }
    }

    private mutating func parseStatement(expecting ends: [String]) throws -> Statement {
        let line = current.line
        guard current.kind == .name else { throw unexpected("a statement's name") }
        switch current.text {
        case "if": return try parseCondition()
        case "for": return try parseLoop()
        case "set": return try parseAssignment()
        case "macro": return try parseMacro()
        case "generation":
            advance()
            hasGeneration = true
            let body = try parseBody(until: ["endgeneration"], inLoop: false)
            advance()
            return Statement(.generation(body), line: line)
        case "with": return try parseWith()
        case "break", "continue":
            guard isInLoop else {
                throw TemplateFailure.syntax("'\(current.text)' stands outside of a loop", line: line)
            }
            return Statement(advance().text == "break" ? .breakLoop : .continueLoop, line: line)
        case let name where Self.unsupported.contains(name):
            throw TemplateFailure.unsupported(
                "the statement '\(name)' is not supported by these chat templates; write the template "
                    + "without it", line: line)
        case let name:
            let looking = ends.isEmpty ? "" : "; expected \(ends.map { "'\($0)'" }.joined(separator: " or "))"
            throw TemplateFailure.syntax("unknown statement '\(name)'\(looking)", line: line)
        }
    }

    /// Reads the end of a tag and the statements up to another.
    private mutating func parsePart(until ends: [String]) throws -> [Statement] {
        _ = skip(symbol: ":")
        try expect(.blockEnd, "'%}'")
        return try parseStatements(until: ends)
    }

    /// Reads statements with variables of their own.
    ///
    /// - Parameter inLoop: Whether a loop surrounds them in which they run; if `nil`, as so far.
    private mutating func parseBody(until ends: [String], inLoop: Bool? = nil) throws -> Body {
        let before = isInLoop
        defer { isInLoop = before }
        isInLoop = inLoop ?? before
        let frame = newFrame()
        return Body(frame: frame, statements: try parsePart(until: ends))
    }

    private mutating func parseCondition() throws -> Statement {
        let line = advance().line
        var branches: [(test: Expression, body: [Statement])] = []
        while true {
            let test = try parseTuple(withConditional: false)
            branches.append((test, try parsePart(until: ["elif", "else", "endif"])))
            let end = advance().text
            if end == "elif" { continue }
            var otherwise: [Statement] = []
            if end == "else" {
                otherwise = try parsePart(until: ["endif"])
                advance()
            }
            return Statement(.condition(branches, otherwise: otherwise), line: line)
        }
    }

    private mutating func parseLoop() throws -> Statement {
        let line = advance().line
        let target = try parseTarget(endingAtIn: true)
        try expect(name: "in")
        let iterable = try parseTuple(withConditional: false, endingAtRecursive: true)
        let test = skip(name: "if") ? try parseExpression() : nil
        if isName("recursive") {
            throw TemplateFailure.unsupported(
                "recursive loops are not supported by these chat templates; use a macro that calls itself",
                line: line)
        }
        let body = try parseBody(until: ["endfor", "else"], inLoop: true)
        var otherwise: Body?
        if advance().text == "else" {
            otherwise = try parseBody(until: ["endfor"])
            advance()
        }
        return Statement(
            .loop(
                Loop(target: target, iterable: iterable, test: test, body: body, otherwise: otherwise)),
            line: line)
    }

    private mutating func parseAssignment() throws -> Statement {
        let line = advance().line
        let target = try parseTarget(withNamespace: true)
        if skip(symbol: "=") {
            return Statement(.assign(target, try parseTuple()), line: line)
        }
        var filters: [Postfix] = []
        while isSymbol("|") { filters.append(try parseFilter()) }
        let body = try parseBody(until: ["endset"])
        advance()
        return Statement(.assignBlock(target, filters: filters, body: body), line: line)
    }

    private mutating func parseWith() throws -> Statement {
        let line = advance().line
        var values: [(target: Target, value: Expression)] = []
        while current.kind != .blockEnd {
            if !values.isEmpty { try expect(symbol: ",") }
            let target = try parseTarget()
            try expect(symbol: "=")
            values.append((target, try parseExpression()))
        }
        let body = try parseBody(until: ["endwith"])
        advance()
        return Statement(.with(values, body: body), line: line)
    }

    private mutating func parseMacro() throws -> Statement {
        let line = advance().line
        let name = try parseNameTarget()
        var parameters: [String] = []
        var defaults: [Expression] = []
        try expect(symbol: "(")
        while !isSymbol(")") {
            if !parameters.isEmpty { try expect(symbol: ",") }
            let parameter = try parseNameTarget()
            guard !parameters.contains(parameter) else {
                throw TemplateFailure.syntax("the parameter '\(parameter)' is given twice", line: line)
            }
            parameters.append(parameter)
            if skip(symbol: "=") {
                defaults.append(try parseExpression())
            } else if !defaults.isEmpty {
                throw TemplateFailure.syntax(
                    "the parameter '\(parameter)' has no default, but follows one that has", line: line)
            }
        }
        advance()
        let body = try parseBody(until: ["endmacro"], inLoop: false)
        advance()
        let read = NameAnalysis.names(readIn: body.statements)
        let macro = MacroDefinition(
            name: name, parameters: parameters, defaults: defaults, body: body,
            readsVarargs: read.contains("varargs") && !parameters.contains("varargs"),
            readsKwargs: read.contains("kwargs") && !parameters.contains("kwargs"))
        return Statement(.macro(macro), line: line)
    }
}
