extension Parser {
    private static let constants: Set<String> = ["true", "false", "none", "True", "False", "None"]

    /// Reads the name of a macro or parameter.
    mutating func parseNameTarget() throws -> String {
        let token = try expectName()
        guard !Self.constants.contains(token.text) else { throw cannotAssign(token.described, token.line) }
        return token.text
    }

    /// Reads what is assigned to.
    ///
    /// - Parameters:
    ///   - withNamespace: True if it may be an attribute of a namespace.
    ///   - endingAtIn: True if `in` ends it.
    mutating func parseTarget(withNamespace: Bool = false, endingAtIn: Bool = false) throws -> Target {
        var targets: [Target] = []
        var isTuple = false
        while true {
            if !targets.isEmpty { try expect(symbol: ",") }
            if isTupleEnd || endingAtIn && isName("in") { break }
            targets.append(try parseSingleTarget(withNamespace: withNamespace))
            guard isSymbol(",") else { break }
            isTuple = true
        }
        guard isTuple || !targets.isEmpty else { throw unexpected("a variable") }
        return isTuple ? .tuple(targets) : targets[0]
    }

    private mutating func parseSingleTarget(withNamespace: Bool) throws -> Target {
        if withNamespace, current.kind == .name, next.kind == .symbol, next.text == ".",
            !Self.constants.contains(current.text)
        {
            let namespace = advance().text
            advance()
            return .attribute(namespace: namespace, name: try expectName().text)
        }
        return try target(parsePrimary())
    }

    private func target(_ expression: Expression) throws -> Target {
        switch expression.kind {
        case .name(let name): return .name(name)
        case .tuple(let items): return .tuple(try items.map(target))
        default: throw cannotAssign("this expression", expression.line)
        }
    }

    private func cannotAssign(_ what: String, _ line: Int) -> TemplateFailure {
        .syntax("cannot assign to \(what); give a variable's name", line: line)
    }
}
