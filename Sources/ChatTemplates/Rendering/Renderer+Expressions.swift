extension Renderer {
    func value(of expression: Expression, _ scope: Scope) throws -> Value {
        try nested(line: expression.line) { try evaluate(expression, scope) }
    }

    private func evaluate(_ expression: Expression, _ scope: Scope) throws -> Value {
        switch expression.kind {
        case .constant(let constant): return Self.value(of: constant)
        case .name(let name):
            return scope[name] ?? .undefined(UndefinedValue("'\(name)' is undefined"))
        case .tuple(let items): return try .tuple(values(of: items, scope))
        case .list(let items): return try .list(values(of: items, scope))
        case .dictionary(let items):
            try spend(items.count)
            return .dictionary(
                try DictionaryValue(
                    items.map { (try value(of: $0.key, scope), try value(of: $0.value, scope)) }))
        case .conditional(let test, let then, let otherwise):
            if try value(of: test, scope).isTrue { return try value(of: then, scope) }
            if let otherwise { return try value(of: otherwise, scope) }
            return .undefined(
                UndefinedValue("the condition is false and there is no 'else'; add one"))
        case .any(let parts): return try first(of: parts, scope) { $0.isTrue }
        case .all(let parts): return try first(of: parts, scope) { !$0.isTrue }
        case .not(let inner): return .bool(!(try value(of: inner, scope).isTrue))
        case .comparison(let left, let rest): return try compare(left, rest, scope)
        case .arithmetic(let left, let rest):
            var result = try value(of: left, scope)
            for (operation, right) in rest {
                result = try apply(operation, result, value(of: right, scope))
            }
            return result
        case .concatenation(let parts):
            var text = ""
            for part in parts { text += try self.text(of: value(of: part, scope)) }
            try spend(text: text)
            return .string(text)
        case .negative(let inner): return try negated(value(of: inner, scope))
        case .positive(let inner):
            let value = try value(of: inner, scope)
            if case .float = value { return value }
            return try .int(numberOperand(value, "+"))
        case .postfix(let base, let suffixes):
            var result = try value(of: base, scope)
            for suffix in suffixes { result = try apply(suffix, to: result, scope) }
            return result
        }
    }

    private static func value(of constant: Expression.Constant) -> Value {
        switch constant {
        case .none: .none
        case .bool(let value): .bool(value)
        case .integer(let value): .int(value)
        case .float(let value): .float(value)
        case .string(let text): .string(text)
        }
    }

    func values(of expressions: [Expression], _ scope: Scope) throws -> [Value] {
        try expressions.map { try value(of: $0, scope) }
    }

    /// The first value that ends a chain of `and` or `or`, or the last one.
    private func first(of parts: [Expression], _ scope: Scope, _ isEnd: (Value) -> Bool) throws -> Value {
        var result = Value.none
        for part in parts {
            result = try value(of: part, scope)
            if isEnd(result) { break }
        }
        return result
    }

    private func compare(
        _ left: Expression, _ rest: [(comparison: Expression.Comparison, right: Expression)], _ scope: Scope
    ) throws -> Value {
        var left = try value(of: left, scope)
        for (comparison, expression) in rest {
            let right = try value(of: expression, scope)
            guard try compare(left, comparison, right) else { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    func compare(_ left: Value, _ comparison: Expression.Comparison, _ right: Value) throws -> Bool {
        try spend(min(left.size, right.size))
        switch comparison {
        case .equal: return try left.equals(right)
        case .notEqual: return try !left.equals(right)
        case .less: return try left.precedes(right)
        case .lessOrEqual: return try left.precedes(right, orEqual: true)
        case .greater: return try right.precedes(left)
        case .greaterOrEqual: return try right.precedes(left, orEqual: true)
        case .isIn, .isNotIn:
            // A mapping looks a key up; anything else goes through its items.
            if case .dictionary = right { try spend(left.size) } else { try spend(right.size) }
            return try right.contains(left) == (comparison == .isIn)
        }
    }

    /// Applies an attribute, a subscript, a call, a filter or a test.
    func apply(_ suffix: Postfix, to value: Value, _ scope: Scope) throws -> Value {
        do {
            switch suffix.kind {
            case .attribute(let name): return try attribute(name, of: value)
            case .item(let item): return try self.item(self.value(of: item, scope), of: value)
            case .slice(let start, let stop, let step):
                let bounds = try [start, stop, step].map { try $0.map { try self.value(of: $0, scope) } }
                return try slice(of: value, bounds)
            case .call(let given): return try call(value, arguments(given, scope))
            case .filter(let name, let given):
                guard let filter = Filters.table[name] else { throw Filters.unknown(name) }
                return try filter(self, value, arguments(given, scope))
            case .test(let name, let given, let isNegated):
                guard let test = ValueTests.table[name] else { throw ValueTests.unknown(name) }
                return .bool(try test(self, value, arguments(given, scope)) != isNegated)
            }
        } catch let failure as TemplateFailure {
            throw failure.at(line: suffix.line)
        }
    }

    private func arguments(_ given: CallArguments, _ scope: Scope) throws -> Arguments {
        var arguments = Arguments(positional: try values(of: given.positional, scope))
        for argument in given.named {
            arguments.named.append((argument.name, try value(of: argument.value, scope)))
        }
        if let list = given.list { arguments.positional += try items(of: value(of: list, scope)) }
        guard let expression = given.dictionary else { return arguments }
        guard case .dictionary(let dictionary) = try value(of: expression, scope) else {
            throw TemplateFailure.rendering("what follows '**' must be a mapping")
        }
        try spend(dictionary.count)
        var names = Set(arguments.named.map { HashedKey(name: $0.name) })
        for entry in dictionary.entries {
            guard let name = entry.key.text else {
                throw TemplateFailure.rendering("arguments' names must be strings")
            }
            guard names.insert(HashedKey(name: name)).inserted else {
                throw TemplateFailure.rendering("the argument '\(name)' is given twice")
            }
            arguments.named.append((name, entry.value))
        }
        return arguments
    }
}
