/// Goes through the parts of expressions.
enum ExpressionWalk {
    /// Calls the body with each name that an expression reads, in the order of the text.
    static func names(in expression: Expression, _ body: (String) -> Void) {
        if case .name(let name) = expression.kind { body(name) }
        for part in parts(of: expression) { names(in: part, body) }
    }

    /// Calls the body with the suffixes that are applied whatever the conditions inside of an expression say.
    static func unconditionalSuffixes(in expression: Expression, _ body: (Postfix) throws -> Void) rethrows {
        if case .conditional = expression.kind { return }
        if case .postfix(_, let suffixes) = expression.kind {
            for suffix in suffixes { try body(suffix) }
        }
        for part in parts(of: expression) { try unconditionalSuffixes(in: part, body) }
    }

    private static func parts(of expression: Expression) -> [Expression] {
        switch expression.kind {
        case .constant, .name: []
        case .tuple(let items), .list(let items), .any(let items), .all(let items), .concatenation(let items):
            items
        case .dictionary(let items): items.flatMap { [$0.key, $0.value] }
        case .conditional(let test, let then, let otherwise): [test, then] + (otherwise.map { [$0] } ?? [])
        case .not(let inner), .negative(let inner), .positive(let inner): [inner]
        case .comparison(let left, let rest): [left] + rest.map(\.right)
        case .arithmetic(let left, let rest): [left] + rest.map(\.right)
        case .postfix(let base, let suffixes): [base] + suffixes.flatMap(parts)
        }
    }

    private static func parts(of suffix: Postfix) -> [Expression] {
        switch suffix.kind {
        case .attribute: []
        case .item(let item): [item]
        case .slice(let start, let stop, let step): [start, stop, step].compactMap(\.self)
        case .call(let arguments), .filter(_, let arguments), .test(_, let arguments, _):
            arguments.positional + arguments.named.map(\.value)
                + [arguments.list, arguments.dictionary].compactMap(\.self)
        }
    }
}
