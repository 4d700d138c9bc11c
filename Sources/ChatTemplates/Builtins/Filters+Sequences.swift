/// Filters of lists and mappings.
extension Filters {
    static let sequences: [String: Filter] = [
        "length": length, "count": length, "default": defaultValue, "d": defaultValue,
        "list": { renderer, value, _ in try .list(renderer.items(of: value)) },
        "items": { renderer, value, _ in
            .iterator(
                try IteratorValue.deferred(depth: value.depth) {
                    if value.isUndefined { return [] }
                    guard case .dictionary(let dictionary) = value else {
                        throw TemplateFailure.rendering("items takes a mapping, not '\(value.typeName)'")
                    }
                    try renderer.spend(dictionary.count)
                    return try DictionaryView(dictionary, .items).items()
                })
        },
        "first": { _, value, _ in
            try value.iterator().next()
                ?? .undefined(UndefinedValue("the sequence is empty and has no first item"))
        },
        "last": { renderer, value, _ in
            if case .iterator = value {
                throw TemplateFailure.rendering(
                    "last does not take what another filter made; put the filter 'list' before it")
            }
            return try renderer.items(of: value).last
                ?? .undefined(UndefinedValue("the sequence is empty and has no last item"))
        },
        "join": join, "reverse": reverse, "sort": sort, "dictsort": sortDictionary, "unique": unique,
        "min": { try extreme("min", $0, $1, $2) { try $0.precedes($1) } },
        "max": { try extreme("max", $0, $1, $2) { try $1.precedes($0) } },
        "batch": batch, "slice": slice,
        "attr": { renderer, value, arguments in
            let name = try arguments.bound("attr", ["name"], required: 1)[0].optionalText("attr's name") ?? ""
            if case .undefined(let undefined) = value { throw undefined.failure }
            return try renderer.ownAttribute(name, of: value)
                ?? .undefined(UndefinedValue("a '\(value.typeName)' has no attribute '\(name)'"))
        },
    ]

    private static let length: Filter = { _, value, _ in
        guard let count = try value.count() else {
            throw TemplateFailure.rendering(
                "a '\(value.typeName)' has no length; put the filter 'list' before this one")
        }
        return .int(count)
    }

    private static let defaultValue: Filter = { _, value, arguments in
        let bound = try arguments.bound("default", ["default_value", "boolean"])
        let isReplaced = value.isUndefined || bound[1]?.isTrue == true && !value.isTrue
        return isReplaced ? bound[0] ?? .string("") : value
    }

    private static let join: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("join", ["d", "attribute"])
        let separator = try renderer.text(of: bound[0] ?? .string(""))
        let path = AttributePath(bound[1])
        var result = ""
        for (index, item) in try renderer.items(of: value).enumerated() {
            let text = try renderer.text(of: path.value(of: item, renderer))
            try renderer.spend(bytes: separator.utf8.count + text.utf8.count)
            result += (index > 0 ? separator : "") + text
            try renderer.spend(bytes: result.utf8.count > renderer.limits.textBytes ? .max : 0)
        }
        return .string(result)
    }

    private static let reverse: Filter = { renderer, value, _ in
        if let text = value.text {
            try renderer.spend(text: text)
            return value.sameKind(String(scalars: text.unicodeScalars.reversed()))
        }
        let items = Array(try renderer.items(of: value).reversed())
        if case .iterator = value { return try .list(items) }
        return .iterator(IteratorValue(items))
    }

    private static let sort: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("sort", ["reverse", "case_sensitive", "attribute"])
        let paths = AttributePath.several(bound[2])
        let ignoresCase = bound[1]?.isTrue != true
        let items = try renderer.items(of: value).map { item in
            (item, try paths.map { try renderer.key($0.value(of: item, renderer), ignoresCase) })
        }
        let sorted = try items.stableSorted(reversed: bound[0]?.isTrue == true) { left, right in
            for (left, right) in zip(left.1, right.1) where try !renderer.compare(left, .equal, right) {
                return try renderer.compare(left, .less, right)
            }
            return false
        }
        return try .list(sorted.map(\.0))
    }

    private static let sortDictionary: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("dictsort", ["case_sensitive", "by", "reverse"])
        let by = try bound[1].optionalText("dictsort's by") ?? "key"
        guard by == "key" || by == "value" else {
            throw TemplateFailure.rendering("dictsort sorts by 'key' or 'value', not by \(quoted(by))")
        }
        if case .undefined(let undefined) = value { throw undefined.failure }
        guard case .dictionary(let dictionary) = value else {
            throw TemplateFailure.rendering("dictsort takes a mapping, not '\(value.typeName)'")
        }
        let ignoresCase = bound[0]?.isTrue != true
        let items = try dictionary.entries.map { entry in
            (entry, try renderer.key(by == "key" ? entry.key : entry.value, ignoresCase))
        }
        let sorted = try items.stableSorted(reversed: bound[2]?.isTrue == true) {
            try renderer.compare($0.1, .less, $1.1)
        }
        return try .list(sorted.map { try .tuple([$0.0.key, $0.0.value]) })
    }

    private static let unique: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("unique", ["case_sensitive", "attribute"])
        let path = AttributePath(bound[1])
        let ignoresCase = bound[0]?.isTrue != true
        return .iterator(
            try IteratorValue.deferred(depth: value.depth) {
                var seen: Set<HashedKey> = []
                return try renderer.items(of: value).filter { item in
                    try seen.insert(HashedKey(renderer.key(path.value(of: item, renderer), ignoresCase)))
                        .inserted
                }
            })
    }

    private static func extreme(
        _ name: String, _ renderer: Renderer, _ value: Value, _ arguments: Arguments,
        _ isBetter: (Value, Value) throws -> Bool
    ) throws -> Value {
        let bound = try arguments.bound(name, ["case_sensitive", "attribute"])
        let path = AttributePath(bound[1])
        let ignoresCase = bound[0]?.isTrue != true
        var best: (item: Value, key: Value)?
        for item in try renderer.items(of: value) {
            let key = try renderer.key(path.value(of: item, renderer), ignoresCase)
            if let known = best {
                try renderer.spend(key.size)
                if try !isBetter(key, known.key) { continue }
            }
            best = (item, key)
        }
        return best?.item ?? .undefined(UndefinedValue("the sequence is empty and has no \(name)"))
    }

    private static let batch: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("batch", ["linecount", "fill_with"], required: 1)
        let count = try bound[0].integer("batch's linecount", default: 1)
        return .iterator(
            try IteratorValue.deferred(depth: max(value.depth, bound[1]?.depth ?? 0) + 1) {
                var batches: [[Value]] = []
                for item in try renderer.items(of: value) {
                    if batches.isEmpty || batches[batches.count - 1].count == count { batches.append([]) }
                    batches[batches.count - 1].append(item)
                }
                if let fill = bound[1], !fill.isNone, let last = batches.last, last.count < count {
                    try renderer.spend(count)
                    batches[batches.count - 1] += Array(repeating: fill, count: count - last.count)
                }
                return try batches.map { try .list($0) }
            })
    }

    private static let slice: Filter = { renderer, value, arguments in
        let bound = try arguments.bound("slice", ["slices", "fill_with"], required: 1)
        let count = try bound[0].integer("slice's count", default: 1)
        return .iterator(
            try IteratorValue.deferred(depth: max(value.depth, bound[1]?.depth ?? 0) + 1) {
                let items = try renderer.items(of: value)
                guard count != 0 else { throw TemplateFailure.rendering("slice cannot make 0 slices") }
                try renderer.spend(max(count, 0))
                var start = 0
                return try (0..<max(count, 0)).map { index in
                    let end = start + items.count / count + (index < items.count % count ? 1 : 0)
                    defer { start = end }
                    var part = Array(items[start..<end])
                    if let fill = bound[1], !fill.isNone, index >= items.count % count { part.append(fill) }
                    return try .list(part)
                }
            })
    }
}

extension IteratorValue {
    /// An iterator over what the body gives, which is called when the first value is asked for.
    static func deferred(depth: Int, _ body: @escaping () throws -> [Value]) throws -> IteratorValue {
        var rest: ArraySlice<Value>?
        return try IteratorValue(depth: depth) {
            if rest == nil { rest = try body()[...] }
            return rest?.popFirst()
        }
    }
}

extension Renderer {
    /// A value's items, and their cost counted.
    func items(of value: Value) throws -> [Value] {
        if case .iterator(let iterator) = value {
            var items: [Value] = []
            while let item = try iterator.next() {
                try spend()
                items.append(item)
            }
            return items
        }
        try spend(max(try value.count() ?? 0, 0))
        return try value.items()
    }

    /// What a value is sorted by.
    func key(_ value: Value, _ ignoresCase: Bool) throws -> Value {
        guard ignoresCase, let text = value.text else { return value }
        try spend(text: text)
        return .string(text.pythonLowercased)
    }
}
