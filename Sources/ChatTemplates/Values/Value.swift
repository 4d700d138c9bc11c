/// A value of a template: what Jinja has from Python.
enum Value {
    case undefined(UndefinedValue)
    case none
    case bool(Bool)
    case int(Int)
    case float(Double)
    case string(String)
    /// A text that counts as safe HTML, as the filters `safe` and `escape` make it.
    case markup(String)
    case list(ListValue)
    case tuple(ListValue)
    case dictionary(DictionaryValue)
    case view(DictionaryView)
    case range(RangeValue)
    case iterator(IteratorValue)
    case namespace(NamespaceValue)
    case macro(MacroValue)
    case function(GlobalFunction)
    case method(MethodValue)
    case loop(LoopValue)
    case cycler(CyclerValue)
    case joiner(JoinerValue)
}

extension Value {
    static func list(_ items: [Value]) throws -> Value { .list(try ListValue(items)) }
    static func tuple(_ items: [Value]) throws -> Value { .tuple(try ListValue(items)) }

    /// The characters, if this is a string.
    var text: String? {
        switch self {
        case .string(let text), .markup(let text): text
        default: nil
        }
    }

    var isMarkup: Bool { if case .markup = self { true } else { false } }
    var isUndefined: Bool { if case .undefined = self { true } else { false } }
    var isNone: Bool { if case .none = self { true } else { false } }

    /// The number, if this is a whole one; Python's booleans are.
    var integer: Int? {
        switch self {
        case .int(let value): value
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    /// The number, if this is one.
    var double: Double? {
        if case .float(let value) = self { return value }
        return integer.map(Double.init)
    }

    /// How deep values are nested in this one.
    var depth: Int {
        switch self {
        case .list(let value), .tuple(let value): value.depth
        case .dictionary(let value): value.depth
        case .view(let value): value.dictionary.depth + 1
        case .iterator(let value): value.depth
        case .method(let value): value.depth
        case .loop(let value): value.depth
        case .cycler(let value): value.items.depth + 1
        default: 0
        }
    }

    /// How much work it is to compare or print this value.
    var size: Int {
        switch self {
        case .list(let value), .tuple(let value): value.size
        case .dictionary(let value): value.size
        case .view(let value): value.dictionary.size
        case .string(let text), .markup(let text): text.utf8.count / 16 + 1
        case .range(let value): value.count
        default: 1
        }
    }

    /// Python's truth value.
    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .float(let value): value != 0
        case .string(let text), .markup(let text): !text.isEmpty
        case .list(let value), .tuple(let value): !value.items.isEmpty
        case .dictionary(let value): value.count > 0
        case .view(let value): value.dictionary.count > 0
        case .range(let value): value.count > 0
        default: true
        }
    }

    /// The name of Python's type.
    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .bool: "bool"
        case .int: "int"
        case .float: "float"
        case .string: "str"
        case .markup: "Markup"
        case .list: "list"
        case .tuple: "tuple"
        case .dictionary: "dict"
        case .view(let view): view.kind.rawValue
        case .range: "range"
        case .iterator: "generator"
        case .namespace: "TemplateNamespace"
        case .macro: "Macro"
        case .function: "function"
        case .method: "builtin_function_or_method"
        case .loop: "LoopContext"
        case .cycler: "Cycler"
        case .joiner: "Joiner"
        }
    }
}

/// A value that is not there, and why.
final class UndefinedValue {
    /// What is wrong where it is used.
    let reason: String

    init(_ reason: String) { self.reason = reason }

    var failure: TemplateFailure { .rendering(reason) }
}

/// The items of a list or a tuple. They never change: the sandbox forbids it.
final class ListValue {
    let items: [Value]
    let depth: Int
    /// How much work it is to go through everything inside.
    let size: Int

    /// How deep lists and dictionaries may be nested in one another.
    static let maximumDepth = 160

    init(_ items: [Value]) throws {
        self.items = items
        depth = try Self.depth(items.reduce(0) { max($0, $1.depth) })
        size = try Self.size(items.reduce(0) { $0 &+ $1.size })
    }

    /// A size, if it is allowed. What holds another twice is twice as large, so sizes could double with every step.
    static func size(_ size: Int) throws -> Int {
        guard size < 1 << 22 else {
            throw TemplateFailure.limit("a list or mapping holds more than \(1 << 22) values or much text")
        }
        return size + 1
    }

    /// One more than the depth of what is inside.
    static func depth(_ inner: Int) throws -> Int {
        guard inner < maximumDepth else {
            throw TemplateFailure.limit(
                "lists and mappings are nested more than \(maximumDepth) deep; nest them less")
        }
        return inner + 1
    }
}
