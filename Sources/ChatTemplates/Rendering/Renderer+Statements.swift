extension Renderer {
    /// What follows a statement.
    enum Flow {
        case next, breakLoop, continueLoop
    }

    func run(_ statements: [Statement], _ scope: Scope) throws -> Flow {
        for statement in statements {
            let flow = try run(statement, scope)
            if flow != .next { return flow }
        }
        return .next
    }

    private func run(_ statement: Statement, _ scope: Scope) throws -> Flow {
        try nested(line: statement.line) {
            switch statement.kind {
            case .text(let text): try write(text)
            case .output(let expression): try write(text(of: try value(of: expression, scope)))
            case .condition(let branches, let otherwise):
                for branch in branches where try value(of: branch.test, scope).isTrue {
                    return try run(branch.body, scope)
                }
                return try run(otherwise, scope)
            case .loop(let loop): return try run(loop, scope)
            case .assign(let target, let expression): try assign(target, expression, scope)
            case .assignBlock(let target, let filters, let body):
                return try assign(target, filters: filters, body, scope)
            case .macro(let macro):
                own(scope)
                scope[macro.name] = .macro(MacroValue(macro, scope))
            case .generation(let body):
                let text = try captured { _ = try run(body, in: scope) }
                noteGeneration(text)
                try write(text)
            case .with(let values, let body): return try run(values, body, scope)
            case .breakLoop: return .breakLoop
            case .continueLoop: return .continueLoop
            }
            return .next
        }
    }

    /// A value's text, and its cost counted.
    func text(of value: Value) throws -> String {
        if let text = value.text { return text }
        try spend(value.size)
        return try value.string()
    }

    private func run(_ body: Body, in scope: Scope) throws -> Flow {
        try run(body.statements, Scope(parent: scope, undefined: template.undefinedNames[body.frame]))
    }

    private func run(_ values: [(target: Target, value: Expression)], _ body: Body, _ scope: Scope) throws
        -> Flow
    {
        let inner = Scope(parent: scope, undefined: template.undefinedNames[body.frame])
        for (target, expression) in values { try store(value(of: expression, scope), in: target, inner) }
        return try run(body.statements, inner)
    }

    // MARK: - Assignments

    private func assign(_ target: Target, _ expression: Expression, _ scope: Scope) throws {
        for name in target.namespaces {
            guard case .namespace? = scope[name] else {
                throw TemplateFailure.rendering(
                    "cannot set an attribute of '\(name)', which is no namespace; make it by "
                        + "{% set \(name) = namespace() %}")
            }
        }
        try store(value(of: expression, scope), in: target, scope)
    }

    private func assign(_ target: Target, filters: [Postfix], _ body: Body, _ scope: Scope) throws -> Flow {
        let inner = Scope(parent: scope, undefined: template.undefinedNames[body.frame])
        var flow = Flow.next
        let text = try captured { flow = try run(body.statements, inner) }
        if flow != .next { return flow }
        var value = Value.string(text)
        for filter in filters { value = try apply(filter, to: value, inner) }
        try store(value, in: target, scope)
        return .next
    }

    /// Assigns a value, or the items of one to several variables.
    func store(_ value: Value, in target: Target, _ scope: Scope) throws {
        switch target {
        case .name(let name): scope[name] = value
        case .attribute(let namespace, let name):
            guard case .namespace(let namespace)? = scope[namespace] else {
                throw TemplateFailure.rendering(
                    "cannot set an attribute of '\(namespace)', which is no namespace")
            }
            try checkNamespaceName(name)
            namespace[name] = value
        case .tuple(let targets):
            let items = try value.items()
            try spend(items.count)
            guard items.count == targets.count else {
                throw TemplateFailure.rendering(
                    "\(items.count) values cannot be assigned to \(targets.count) variables")
            }
            for (target, item) in zip(targets, items) { try store(item, in: target, scope) }
        }
    }

    func checkNamespaceName(_ name: String) throws {
        guard !name.hasPrefix("_") else {
            throw TemplateFailure.rendering(
                "a namespace cannot have the attribute '\(name)', which begins with an underscore; rename it")
        }
    }

    // MARK: - Loops

    private func run(_ loop: Loop, _ scope: Scope) throws -> Flow {
        let iterable = try value(of: loop.iterable, scope)
        if case .range(let range) = iterable { try spend(range.count / 16) }
        var iterator = try iterable.iterator()
        var count: Int? = nil
        if let test = loop.test {
            iterator = try filtered(iterator, test, loop.target, scope)
        } else {
            count = try iterable.count()
        }
        let state = LoopValue(iterator, count: count)
        defer { state.lastChecked = nil }
        var isEmpty = true
        while let item = try state.advance() {
            try spend()
            let inner = Scope(parent: scope, undefined: template.undefinedNames[loop.body.frame])
            inner["loop"] = .loop(state)
            try store(item, in: loop.target, inner)
            let flow = try run(loop.body.statements, inner)
            // As in Jinja, an iteration that ends by `break` or `continue` does not count for `else`.
            if flow == .breakLoop { break }
            if flow == .next { isEmpty = false }
        }
        guard isEmpty, let otherwise = loop.otherwise else { return .next }
        return try run(otherwise, in: scope)
    }

    private func filtered(
        _ iterator: IteratorValue, _ test: Expression, _ target: Target, _ scope: Scope
    ) throws -> IteratorValue {
        try IteratorValue(depth: iterator.depth) {
            while let item = try iterator.next() {
                try self.spend()
                let inner = Scope(parent: scope)
                try self.store(item, in: target, inner)
                if try self.value(of: test, inner).isTrue { return try Self.passed(item, target, inner) }
            }
            return nil
        }
    }

    /// What a loop with a condition gets of an item: as in Jinja, a new tuple where it has several variables.
    private static func passed(_ item: Value, _ target: Target, _ scope: Scope) throws -> Value {
        switch target {
        case .tuple(let targets): try .tuple(targets.map { try passed(item, $0, scope) })
        case .name(let name): scope[name] ?? item
        case .attribute: item
        }
    }
}
