/// The methods of values.
enum Methods {
    /// The methods that can be called.
    static func supported(_ value: Value) -> Set<String> {
        switch value {
        case .string, .markup: texts
        case .dictionary: ["get", "items", "keys", "values", "copy"]
        case .list: ["index", "count", "copy"]
        case .tuple, .range: ["index", "count"]
        case .cycler: ["next", "reset"]
        default: []
        }
    }

    /// The methods that change a value, which the sandbox forbids.
    static func changing(_ value: Value) -> Set<String> {
        switch value {
        case .dictionary: ["clear", "pop", "popitem", "setdefault", "update"]
        case .list: ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"]
        default: []
        }
    }

    /// What Python's types have besides.
    static func unsupported(_ value: Value) -> Set<String> {
        switch value {
        case .string, .markup:
            [
                "encode", "format_map", "isidentifier", "maketrans", "translate", "striptags", "unescape",
                "escape",
            ]
        case .dictionary: ["fromkeys"]
        case .int, .bool, .float:
            [
                "real", "imag", "numerator", "denominator", "conjugate", "bit_length", "bit_count",
                "to_bytes",
                "from_bytes", "as_integer_ratio", "is_integer", "hex", "fromhex",
            ]
        case .view: ["mapping", "isdisjoint"]
        case .iterator: ["send", "throw", "close", "gi_running", "gi_yieldfrom"]
        case .function: ["fromkeys"]
        default: []
        }
    }

    /// Calls a method.
    static func call(_ renderer: Renderer, _ receiver: Value, _ name: String, _ arguments: Arguments) throws
        -> Value
    {
        switch receiver {
        case .string(let text), .markup(let text):
            try renderer.spend(text: text)
            return try callText(renderer, receiver, text, name, arguments)
        case .dictionary(let dictionary):
            for argument in arguments.positional { try renderer.spend(argument.size) }
            return try call(receiver, dictionary, name, arguments)
        case .list(let list), .tuple(let list):
            if name == "copy" { return receiver }
            return try search(renderer, list.items, name, arguments)
        case .range(let range): return try search(renderer, range.items, name, arguments)
        case .cycler(let cycler):
            _ = try arguments.unnamed(name, atMost: 0)
            if name == "reset" {
                cycler.position = 0
                return .none
            }
            defer { cycler.position = (cycler.position + 1) % cycler.items.items.count }
            return cycler.items.items[cycler.position]
        case .loop(let loop):
            guard arguments.named.isEmpty else {
                throw TemplateFailure.rendering("\(name) takes no named arguments")
            }
            let values = arguments.positional
            if name == "cycle" {
                guard !values.isEmpty else {
                    throw TemplateFailure.rendering("cycle takes at least one value")
                }
                return values[loop.index0 % values.count]
            }
            let isSame = try loop.lastChecked.map { last in
                try last.count == values.count
                    && zip(last, values).allSatisfy { try renderer.compare($0, .equal, $1) }
            }
            if isSame == true { return .bool(false) }
            loop.lastChecked = values
            return .bool(true)
        default: throw TemplateFailure.rendering("'\(receiver.typeName)' object has no method '\(name)'")
        }
    }

    private static func call(
        _ receiver: Value, _ dictionary: DictionaryValue, _ name: String, _ arguments: Arguments
    ) throws -> Value {
        if name == "get" {
            let given = try arguments.unnamed("get", atLeast: 1, atMost: 2)
            return try dictionary.value(of: given[0] ?? .none) ?? given[1] ?? .none
        }
        _ = try arguments.unnamed(name, atMost: 0)
        switch name {
        case "items": return .view(DictionaryView(dictionary, .items))
        case "keys": return .view(DictionaryView(dictionary, .keys))
        case "values": return .view(DictionaryView(dictionary, .values))
        default: return receiver
        }
    }

    /// `index` and `count`.
    private static func search(
        _ renderer: Renderer, _ items: [Value], _ name: String, _ arguments: Arguments
    ) throws -> Value {
        let given = try arguments.unnamed(name, atLeast: 1, atMost: name == "count" ? 1 : 3)
        let item = given[0] ?? .none
        var count = 0
        let last = name == "count" ? nil : given[2]
        let start = name == "count" ? nil : given[1]
        let bounds = Bounds(
            try start.integer("index's start", default: 0), try last.integer("index's stop", default: .max),
            items.count)
        for index in bounds.range {
            if try renderer.compare(items[index], .equal, item) {
                if name == "index" { return .int(index) }
                count += 1
            }
        }
        guard name == "count" else {
            throw TemplateFailure.rendering("the value that index looks for is not there")
        }
        return .int(count)
    }
}

/// Where a search begins and ends, as Python counts it.
struct Bounds {
    let start: Int
    let end: Int
    /// False where the start lies behind the end, so that not even an empty text is found.
    let isValid: Bool

    init(_ start: Int, _ end: Int, _ count: Int) {
        func clamped(_ bound: Int) -> Int {
            max(bound < 0 ? bound.addingReportingOverflow(count).partialValue : bound, 0)
        }
        self.start = clamped(start)
        self.end = min(clamped(end), count)
        isValid = self.start <= self.end
    }

    var range: Range<Int> { isValid ? start..<end : 0..<0 }
}
