extension Renderer {
    func call(_ callee: Value, _ arguments: Arguments) throws -> Value {
        try spend()
        switch callee {
        case .undefined(let undefined): throw undefined.failure
        case .macro(let macro): return .string(try call(macro, arguments))
        case .function(let function): return try call(function, arguments)
        case .method(let method):
            return try Methods.call(self, method.receiver, method.name, arguments)
        case .joiner(let joiner):
            _ = try arguments.unnamed("joiner", atMost: 0)
            defer { joiner.isUsed = true }
            return joiner.isUsed ? joiner.separator : .string("")
        case .loop: throw TemplateFailure.rendering("'loop' can only be called in recursive loops")
        default: throw TemplateFailure.rendering("'\(callee.typeName)' object is not callable")
        }
    }

    // MARK: - Macros

    private func call(_ macro: MacroValue, _ arguments: Arguments) throws -> String {
        let definition = macro.definition
        let parameters = definition.parameters
        let inner = Scope(parent: macro.scope, undefined: template.undefinedNames[definition.body.frame])
        var named = arguments.named
        try spend(parameters.count * (named.count + 1))
        for (index, name) in parameters.enumerated() {
            if index < arguments.positional.count {
                inner[name] = arguments.positional[index]
            } else if let given = named.firstIndex(where: { $0.name == name }) {
                inner[name] = named.remove(at: given).value
            } else {
                inner[name] = .undefined(UndefinedValue("parameter '\(name)' was not provided"))
                let position = index - (parameters.count - definition.defaults.count)
                if position >= 0 { inner[name] = try value(of: definition.defaults[position], inner) }
            }
        }
        let rest = Array(arguments.positional.dropFirst(parameters.count))
        if definition.readsKwargs {
            inner["kwargs"] = .dictionary(try DictionaryValue(named.map { (.string($0.name), $0.value) }))
        } else if let extra = named.first {
            throw TemplateFailure.rendering("the macro '\(definition.name)' has no parameter '\(extra.name)'")
        }
        if definition.readsVarargs {
            inner["varargs"] = try .tuple(rest)
        } else if !rest.isEmpty {
            throw TemplateFailure.rendering(
                "the macro '\(definition.name)' takes at most \(parameters.count) arguments, but got "
                    + "\(arguments.positional.count)")
        }
        let text = try captured { _ = try run(definition.body.statements, inner) }
        try spend(text: text)
        return text
    }

    // MARK: - Functions of every template

    // Not inlined, which would make the frames of macros that call one another larger.
    @inline(never)
    private func call(_ function: GlobalFunction, _ arguments: Arguments) throws -> Value {
        switch function {
        case .range: return .range(try range(arguments))
        case .dict: return .dictionary(try DictionaryValue(entries("dict", arguments)))
        case .namespace:
            let entries = try entries("namespace", arguments).map { entry -> (name: String, value: Value) in
                guard let name = entry.key.text else {
                    throw TemplateFailure.unsupported("a namespace's attributes must be named by strings")
                }
                try checkNamespaceName(name)
                return (name, entry.value)
            }
            let namespace = NamespaceValue(entries)
            own(namespace)
            return .namespace(namespace)
        case .cycler:
            guard !arguments.positional.isEmpty, arguments.named.isEmpty else {
                throw TemplateFailure.rendering("cycler takes at least one value, and none by name")
            }
            return .cycler(CyclerValue(try ListValue(arguments.positional)))
        case .joiner:
            let separator = try arguments.bound("joiner", ["sep"])[0] ?? .string(", ")
            guard separator.depth == 0 else {
                throw TemplateFailure.unsupported("a joiner's separator must be a text")
            }
            return .joiner(JoinerValue(separator))
        case .raiseException:
            let message = try arguments.bound("raise_exception", ["message"], required: 1)[0] ?? .none
            throw TemplateFailure(kind: .raised, reason: try text(of: message), line: nil)
        case .strftimeNow:
            let format = try arguments.bound("strftime_now", ["format"], required: 1)[0].optionalText(
                "the format")
            guard let format else { throw TemplateFailure.rendering("strftime_now takes a format") }
            try spend(text: format)
            return .string(try clock.formatted(format))
        }
    }

    /// What Python's `dict` makes of its arguments.
    private func entries(_ callee: String, _ arguments: Arguments) throws -> [(key: Value, value: Value)] {
        guard arguments.positional.count <= 1 else {
            throw TemplateFailure.rendering("\(callee) takes at most one argument without a name")
        }
        var entries: [(key: Value, value: Value)] = []
        if case .dictionary(let dictionary)? = arguments.positional.first {
            entries = dictionary.entries
        } else if let pairs = arguments.positional.first {
            entries = try pairs.items().map { pair in
                let items = try pair.items()
                guard items.count == 2 else { throw TemplateFailure.rendering("\(callee) takes pairs") }
                return (items[0], items[1])
            }
        }
        try spend(entries.count)
        let named = arguments.named.map { (key: Value.string($0.name), value: $0.value) }
        return try DictionaryValue(entries + named).entries
    }

    private func range(_ arguments: Arguments) throws -> RangeValue {
        let given = try arguments.unnamed("range", atLeast: 1, atMost: 3).map { value in
            try value.map { value in
                if case .undefined(let undefined) = value { throw undefined.failure }
                return try Optional(value).integer("a range's bound", default: 0)
            }
        }
        let start = given[1] == nil ? 0 : given[0] ?? 0
        let stop = given[1] ?? given[0] ?? 0
        let step = given[2] ?? 1
        guard step != 0 else { throw TemplateFailure.rendering("a range's step cannot be zero") }
        let bound = 1 << 61
        guard [start, stop, step].allSatisfy({ -bound...bound ~= $0 }) else {
            throw TemplateFailure.unsupported("a range's bounds are too large for these chat templates")
        }
        let span = step > 0 ? stop - start : start - stop
        let count = span <= 0 ? 0 : (span - 1) / Int(step.magnitude) + 1
        guard count <= 100_000 else { throw TemplateFailure.limit("a range has more than 100,000 numbers") }
        return RangeValue(start: start, stop: stop, step: step, count: count)
    }
}
