/// What `namespace` makes: attributes that may be set.
final class NamespaceValue {
    private(set) var entries: [(name: String, value: Value)] = []
    private var positions: [HashedKey: Int] = [:]

    init(_ entries: [(name: String, value: Value)]) {
        for entry in entries { self[entry.name] = entry.value }
    }

    func clear() { (entries, positions) = ([], [:]) }

    subscript(name: String) -> Value? {
        get { positions[HashedKey(name: name)].map { entries[$0].value } }
        set {
            guard let newValue else { return }
            if let position = positions[HashedKey(name: name)] {
                entries[position].value = newValue
            } else {
                positions[HashedKey(name: name)] = entries.count
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
