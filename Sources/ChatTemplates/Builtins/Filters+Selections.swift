/// Filters that apply others, or tests, to each item.
extension Filters {
    static let selections: [String: Filter] = [
        "map": map,
        "select": { try select($0, $1, $2, keeps: true, byAttribute: false) },
        "reject": { try select($0, $1, $2, keeps: false, byAttribute: false) },
        "selectattr": { try select($0, $1, $2, keeps: true, byAttribute: true) },
        "rejectattr": { try select($0, $1, $2, keeps: false, byAttribute: true) },
    ]

    private static let map: Filter = { renderer, value, arguments in
        var prepared: (source: IteratorValue, apply: (Value) throws -> Value)?
        let depth = arguments.positional.reduce(value.depth) { max($0, $1.depth) }
        return .iterator(
            try IteratorValue(depth: arguments.named.reduce(depth) { max($0, $1.value.depth) }) {
                guard value.isTrue else { return nil }
                if prepared == nil { prepared = try (value.iterator(), change(renderer, arguments)) }
                guard let (source, apply) = prepared, let item = try source.next() else { return nil }
                try renderer.spend()
                return try renderer.nested(line: nil) { try apply(item) }
            })
    }

    /// What `map` does with an item.
    private static func change(_ renderer: Renderer, _ arguments: Arguments) throws -> (Value) throws -> Value
    {
        if arguments.positional.isEmpty, arguments.named.contains(where: { $0.name == "attribute" }) {
            let bound = try arguments.bound("map", ["attribute", "default"])
            let path = AttributePath(bound[0])
            let replacement = bound[1]?.isNone == true ? nil : bound[1]
            return { try path.value(of: $0, renderer, default: replacement) }
        }
        guard let name = arguments.positional.first else {
            throw TemplateFailure.rendering("map takes a filter's name, or attribute='…'")
        }
        guard let text = name.text, let filter = table[text] else {
            throw unknown(try renderer.text(of: name))
        }
        let rest = Arguments(positional: Array(arguments.positional.dropFirst()), named: arguments.named)
        return { try filter(renderer, $0, rest) }
    }

    private static func select(
        _ renderer: Renderer, _ value: Value, _ arguments: Arguments, keeps: Bool, byAttribute: Bool
    ) throws -> Value {
        var prepared: (source: IteratorValue, test: (Value) throws -> Bool)?
        let depth = arguments.positional.reduce(value.depth) { max($0, $1.depth) }
        return .iterator(
            try IteratorValue(depth: arguments.named.reduce(depth) { max($0, $1.value.depth) }) {
                guard value.isTrue else { return nil }
                if prepared == nil {
                    prepared = try (
                        value.iterator(), condition(renderer, arguments, byAttribute: byAttribute)
                    )
                }
                guard let (source, test) = prepared else { return nil }
                while let item = try source.next() {
                    try renderer.spend()
                    if try renderer.nested(line: nil, { try test(item) }) == keeps { return item }
                }
                return nil
            })
    }

    /// Whether an item passes.
    private static func condition(
        _ renderer: Renderer, _ arguments: Arguments, byAttribute: Bool
    ) throws -> (Value) throws -> Bool {
        var positional = arguments.positional[...]
        var path = AttributePath(nil)
        if byAttribute {
            guard let attribute = positional.popFirst() else {
                throw TemplateFailure.rendering("selectattr and rejectattr take an attribute's name")
            }
            path = AttributePath(attribute)
        }
        guard let name = positional.popFirst() else {
            return { [path] in try path.value(of: $0, renderer).isTrue }
        }
        guard let text = name.text, let test = ValueTests.table[text] else {
            throw ValueTests.unknown(try renderer.text(of: name))
        }
        let rest = Arguments(positional: Array(positional), named: arguments.named)
        return { [path] in try test(renderer, path.value(of: $0, renderer), rest) }
    }
}
