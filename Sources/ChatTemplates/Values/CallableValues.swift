/// What `namespace` makes: attributes that may be set.
final class NamespaceValue {
    var entries: [(name: String, value: Value)]

    init(_ entries: [(name: String, value: Value)]) { self.entries = entries }

    subscript(name: String) -> Value? {
        get { entries.first { $0.name.hasSameCharacters(as: name) }?.value }
        set {
            guard let newValue else { return }
            if let index = entries.firstIndex(where: { $0.name.hasSameCharacters(as: name) }) {
                entries[index].value = newValue
            } else {
                entries.append((name, newValue))
            }
        }
    }
}

/// A macro with the variables that surround it.
final class MacroValue {
    let definition: MacroDefinition
    let scope: Scope

    init(_ definition: MacroDefinition, _ scope: Scope) {
        self.definition = definition
        self.scope = scope
    }
}

/// A value's method, before it is called.
final class MethodValue {
    let receiver: Value
    let name: String
    let depth: Int

    init(_ receiver: Value, _ name: String) throws {
        self.receiver = receiver
        self.name = name
        depth = try ListValue.depth(receiver.depth)
    }
}

/// The functions that every template has.
enum GlobalFunction: String, CaseIterable {
    case range, dict, namespace, cycler, joiner
    case raiseException = "raise_exception"
    case strftimeNow = "strftime_now"
}

/// The variables of a body, and those around it.
final class Scope {
    let parent: Scope?
    private var variables: [String: Value] = [:]

    init(parent: Scope?, undefined: [String] = []) {
        self.parent = parent
        for name in undefined { variables[name] = .undefined(UndefinedValue("'\(name)' is undefined")) }
    }

    subscript(name: String) -> Value? {
        get {
            var scope: Scope? = self
            while let here = scope {
                if let value = here.variables[name] { return value }
                scope = here.parent
            }
            return nil
        }
        set { variables[name] = newValue }
    }

    func clear() { variables = [:] }
}
