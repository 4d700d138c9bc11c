/// The tests that follow `is`, by their names.
enum ValueTests {
    typealias Test = @Sendable (Renderer, Value, Arguments) throws -> Bool

    static let table: [String: Test] = kinds.merging(comparisons) { $1 }

    static func unknown(_ name: String) -> TemplateFailure {
        .rendering(
            "there is no test \(quoted(name)); there are: \(table.keys.sorted().joined(separator: ", "))")
    }

    private static let kinds: [String: Test] = [
        "defined": plain { !$0.isUndefined },
        "undefined": plain { $0.isUndefined },
        "none": plain { $0.isNone },
        "boolean": plain { if case .bool = $0 { true } else { false } },
        "true": plain { if case .bool(true) = $0 { true } else { false } },
        "false": plain { if case .bool(false) = $0 { true } else { false } },
        "integer": plain { if case .int = $0 { true } else { false } },
        "float": plain { if case .float = $0 { true } else { false } },
        "number": plain { $0.double != nil },
        "string": plain { $0.text != nil },
        "mapping": plain { if case .dictionary = $0 { true } else { false } },
        "iterable": plain { $0.isIterable },
        "escaped": plain { $0.isMarkup },
        "sequence": plain {
            switch $0 {
            case .undefined, .string, .markup, .list, .tuple, .dictionary, .range: true
            default: false
            }
        },
        "callable": plain {
            switch $0 {
            case .undefined, .macro, .function, .method, .joiner, .loop: true
            default: false
            }
        },
        "lower": { renderer, value, arguments in
            _ = try arguments.bound("lower", [])
            return try renderer.text(of: value).hasCase(upper: false)
        },
        "upper": { renderer, value, arguments in
            _ = try arguments.bound("upper", [])
            return try renderer.text(of: value).hasCase(upper: true)
        },
        "filter": plain { value in value.text.map { Filters.table[$0] != nil } ?? false },
        "test": plain { value in value.text.map { table[$0] != nil } ?? false },
    ]

    private static let comparisons: [String: Test] = [
        "==": comparison(.equal), "eq": comparison(.equal), "equalto": comparison(.equal),
        "!=": comparison(.notEqual), "ne": comparison(.notEqual),
        ">": comparison(.greater), "gt": comparison(.greater), "greaterthan": comparison(.greater),
        ">=": comparison(.greaterOrEqual), "ge": comparison(.greaterOrEqual),
        "<": comparison(.less), "lt": comparison(.less), "lessthan": comparison(.less),
        "<=": comparison(.lessOrEqual), "le": comparison(.lessOrEqual),
        "in": comparison(.isIn),
        "sameas": { _, value, arguments in
            value.isSame(as: try arguments.bound("sameas", ["other"], required: 1)[0] ?? .none)
        },
        "odd": { renderer, value, _ in try remainder(renderer, value, .int(2), is: 1) },
        "even": { renderer, value, _ in try remainder(renderer, value, .int(2), is: 0) },
        "divisibleby": { renderer, value, arguments in
            let number = try arguments.bound("divisibleby", ["num"], required: 1)[0] ?? .none
            return try remainder(renderer, value, number, is: 0)
        },
    ]

    private static func plain(_ test: @escaping @Sendable (Value) -> Bool) -> Test {
        { _, value, arguments in
            _ = try arguments.bound("the test", [])
            return test(value)
        }
    }

    private static func comparison(_ comparison: Expression.Comparison) -> Test {
        { renderer, value, arguments in
            let other = try arguments.bound("the test", ["other"], required: 1)[0] ?? .none
            return try renderer.compare(value, comparison, other)
        }
    }

    private static func remainder(
        _ renderer: Renderer, _ value: Value, _ divisor: Value, is remainder: Int
    ) throws -> Bool {
        try renderer.apply(.modulo, value, divisor).equals(.int(remainder))
    }
}
