extension NameAnalysis {
    /// The names that statements and the bodies inside of them read.
    static func names(readIn statements: [Statement]) -> Set<String> {
        var names: Set<String> = []
        func add(_ expression: Expression) { ExpressionWalk.names(in: expression) { names.insert($0) } }
        func visit(_ statements: [Statement]) {
            for statement in statements {
                switch statement.kind {
                case .text, .breakLoop, .continueLoop: break
                case .output(let expression): add(expression)
                case .condition(let branches, let otherwise):
                    for branch in branches {
                        add(branch.test)
                        visit(branch.body)
                    }
                    visit(otherwise)
                case .loop(let loop):
                    add(loop.iterable)
                    if let test = loop.test { add(test) }
                    visit(loop.body.statements)
                    visit(loop.otherwise?.statements ?? [])
                case .assign(_, let value): add(value)
                case .assignBlock(_, _, let body), .generation(let body): visit(body.statements)
                case .macro(let macro):
                    macro.defaults.forEach(add)
                    visit(macro.body.statements)
                case .with(let values, let body):
                    for value in values { add(value.value) }
                    visit(body.statements)
                }
            }
        }
        visit(statements)
        return names
    }

    /// The names that statements and the bodies inside of them set.
    static func names(storedIn statements: [Statement]) -> [String] {
        statements.flatMap { statement -> [String] in
            switch statement.kind {
            case .text, .breakLoop, .continueLoop, .output, .macro: []
            case .condition(let branches, let otherwise):
                branches.flatMap { names(storedIn: $0.body) } + names(storedIn: otherwise)
            case .loop(let loop):
                loop.target.names + names(storedIn: loop.body.statements)
                    + names(storedIn: loop.otherwise?.statements ?? [])
            case .assign(let target, _): target.names
            case .assignBlock(let target, _, let body): target.names + names(storedIn: body.statements)
            case .generation(let body): names(storedIn: body.statements)
            case .with(_, let body): names(storedIn: body.statements)
            }
        }
    }
}
