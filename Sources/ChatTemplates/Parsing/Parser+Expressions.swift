/// The operators in their order of precedence.
extension Parser {
    mutating func parseExpression(withConditional: Bool = true) throws -> Expression {
        try nested { parser in
            let line = parser.current.line
            var expression = try parser.parseAny()
            guard withConditional else { return expression }
            var conditions = 0
            while parser.skip(name: "if") {
                conditions += 1
                guard conditions <= Self.maximumDepth else {
                    throw TemplateFailure.limit(
                        "more than \(Self.maximumDepth) conditions follow one another; nest them less",
                        line: line)
                }
                let test = try parser.parseAny()
                let otherwise = parser.skip(name: "else") ? try parser.parseExpression() : nil
                expression = Expression(
                    .conditional(test: test, then: expression, otherwise: otherwise), line: line)
            }
            return expression
        }
    }

    private mutating func parseAny() throws -> Expression {
        let line = current.line
        var parts = [try parseAll()]
        while skip(name: "or") { parts.append(try parseAll()) }
        return parts.count == 1 ? parts[0] : Expression(.any(parts), line: line)
    }

    private mutating func parseAll() throws -> Expression {
        let line = current.line
        var parts = [try parseNot()]
        while skip(name: "and") { parts.append(try parseNot()) }
        return parts.count == 1 ? parts[0] : Expression(.all(parts), line: line)
    }

    private mutating func parseNot() throws -> Expression {
        let line = current.line
        guard skip(name: "not") else { return try parseComparison() }
        return Expression(.not(try nested { try $0.parseNot() }), line: line)
    }

    private mutating func parseComparison() throws -> Expression {
        let line = current.line
        let left = try parseSum()
        var comparisons: [(comparison: Expression.Comparison, right: Expression)] = []
        while let comparison = takeComparison() {
            comparisons.append((comparison, try parseSum()))
        }
        return comparisons.isEmpty ? left : Expression(.comparison(left, comparisons), line: line)
    }

    private mutating func takeComparison() -> Expression.Comparison? {
        if current.kind == .symbol, let comparison = Expression.Comparison(rawValue: current.text) {
            advance()
            return comparison
        }
        if skip(name: "in") { return .isIn }
        if isName("not"), next.kind == .name, next.text == "in" {
            advance()
            advance()
            return .isNotIn
        }
        return nil
    }

    private mutating func parseSum() throws -> Expression {
        try parseChain([.add, .subtract]) { try $0.parseConcatenation() }
    }

    private mutating func parseConcatenation() throws -> Expression {
        let line = current.line
        var parts = [try parseProduct()]
        while skip(symbol: "~") { parts.append(try parseProduct()) }
        return parts.count == 1 ? parts[0] : Expression(.concatenation(parts), line: line)
    }

    private mutating func parseProduct() throws -> Expression {
        try parseChain([.multiply, .divide, .floorDivide, .modulo]) { try $0.parsePower() }
    }

    private mutating func parsePower() throws -> Expression {
        try parseChain([.power]) { try $0.parseUnary() }
    }

    /// Reads operators of one precedence, which are computed from left to right.
    private mutating func parseChain(
        _ operations: [Expression.Operation], _ operand: (inout Parser) throws -> Expression
    ) throws -> Expression {
        let line = current.line
        let first = try operand(&self)
        var rest: [(operation: Expression.Operation, right: Expression)] = []
        while current.kind == .symbol, let operation = operations.first(where: { isSymbol($0.rawValue) }) {
            advance()
            rest.append((operation, try operand(&self)))
        }
        return rest.isEmpty ? first : Expression(.arithmetic(first, rest), line: line)
    }

    private mutating func parseUnary(withFilters: Bool = true) throws -> Expression {
        let line = current.line
        var expression: Expression
        if skip(symbol: "-") {
            expression = Expression(
                .negative(try nested { try $0.parseUnary(withFilters: false) }), line: line)
        } else if skip(symbol: "+") {
            expression = Expression(
                .positive(try nested { try $0.parseUnary(withFilters: false) }), line: line)
        } else {
            expression = try parsePrimary()
        }
        var suffixes = try parseAccess()
        if withFilters { suffixes += try parseFiltersAndTests() }
        if !suffixes.isEmpty { expression = Expression(.postfix(expression, suffixes), line: line) }
        return expression
    }
}
