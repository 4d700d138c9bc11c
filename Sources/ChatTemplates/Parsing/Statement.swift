/// A statement of a template.
final class Statement: Sendable {
    enum Kind: Sendable {
        case text(String)
        case output(Expression)
        case condition([(test: Expression, body: [Statement])], otherwise: [Statement])
        case loop(Loop)
        case assign(Target, Expression)
        case assignBlock(Target, filters: [Postfix], body: Body)
        case macro(MacroDefinition)
        case generation(Body)
        case with([(target: Target, value: Expression)], body: Body)
        case breakLoop
        case continueLoop
    }

    let kind: Kind
    let line: Int

    init(_ kind: Kind, line: Int) {
        self.kind = kind
        self.line = line
    }
}

/// Statements with variables of their own.
struct Body: Sendable {
    /// The position in ``ParsedTemplate/undefinedNames``.
    let frame: Int
    let statements: [Statement]
}

/// What is assigned to.
indirect enum Target: Sendable {
    case name(String)
    /// An attribute of a namespace.
    case attribute(namespace: String, name: String)
    case tuple([Target])

    /// The variables that are assigned.
    var names: [String] {
        switch self {
        case .name(let name): [name]
        case .attribute: []
        case .tuple(let targets): targets.flatMap(\.names)
        }
    }

    /// The namespaces whose attributes are assigned.
    var namespaces: [String] {
        switch self {
        case .name: []
        case .attribute(let namespace, _): [namespace]
        case .tuple(let targets): targets.flatMap(\.namespaces)
        }
    }
}

/// A `for` loop.
struct Loop: Sendable {
    let target: Target
    let iterable: Expression
    let test: Expression?
    let body: Body
    let otherwise: Body?
}

/// A macro.
final class MacroDefinition: Sendable {
    let name: String
    let parameters: [String]
    /// The defaults of the last parameters.
    let defaults: [Expression]
    let body: Body
    /// True if the body reads `varargs` or `kwargs`, which take the arguments that no parameter takes.
    let readsVarargs: Bool
    let readsKwargs: Bool

    init(
        name: String, parameters: [String], defaults: [Expression], body: Body, readsVarargs: Bool,
        readsKwargs: Bool
    ) {
        self.name = name
        self.parameters = parameters
        self.defaults = defaults
        self.body = body
        self.readsVarargs = readsVarargs
        self.readsKwargs = readsKwargs
    }
}

/// A template that can be rendered.
struct ParsedTemplate: Sendable {
    let statements: [Statement]
    /// For each body, its first the template's own, the variables that are undefined in it until they are set, whatever
    /// the caller gave by their names.
    let undefinedNames: [[String]]
    /// True if there is a `{% generation %}`.
    let hasGeneration: Bool
}
