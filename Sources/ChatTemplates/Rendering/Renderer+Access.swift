/// Attributes, items and slices.
extension Renderer {
    /// What `value.name` gives: an attribute or else an item.
    func attribute(_ name: String, of value: Value) throws -> Value {
        if case .undefined(let undefined) = value { throw undefined.failure }
        if let found = try ownAttribute(name, of: value) { return found }
        if case .dictionary(let dictionary) = value, let found = dictionary[name] { return found }
        return missing(name, of: value)
    }

    /// What `value[key]` gives: an item or else an attribute.
    func item(_ key: Value, of value: Value) throws -> Value {
        switch value {
        case .undefined(let undefined): throw undefined.failure
        case .dictionary(let dictionary):
            try spend(key.size)
            if let found = try? dictionary.value(of: key) { return found }
        case .list(let list), .tuple(let list):
            if let index = key.integer, let position = position(index, list.items.count) {
                return list.items[position]
            }
        case .range(let range):
            if let index = key.integer, let position = position(index, range.count) { return range[position] }
        case .string(let text), .markup(let text):
            guard let index = key.integer else { break }
            try spend(text: text)
            let scalars = text.unicodeScalars
            guard let position = position(index, scalars.count) else { break }
            return value.sameKind(String(scalars[scalars.index(scalars.startIndex, offsetBy: position)]))
        default: break
        }
        guard let name = key.text else {
            return .undefined(
                UndefinedValue("\(typeDescription(value)) has no element \((try? key.represented()) ?? "")"))
        }
        return try ownAttribute(name, of: value) ?? missing(name, of: value)
    }

    private func position(_ index: Int, _ count: Int) -> Int? {
        let position = index < 0 ? index + count : index
        return 0..<count ~= position ? position : nil
    }

    private func missing(_ name: String, of value: Value) -> Value {
        .undefined(UndefinedValue("'\(typeDescription(value))' has no attribute '\(name)'"))
    }

    private func typeDescription(_ value: Value) -> String {
        value.isNone ? "None" : "\(value.typeName) object"
    }

    /// An attribute that Python's type has.
    func ownAttribute(_ name: String, of value: Value) throws -> Value? {
        switch value {
        case .namespace(let namespace): return namespace[name]
        case .loop(let loop): return try loop.attribute(name, value)
        case .macro(let macro):
            switch name {
            case "name": return .string(macro.definition.name)
            case "arguments": return try .tuple(macro.definition.parameters.map { .string($0) })
            case "catch_kwargs": return .bool(macro.definition.readsKwargs)
            case "catch_varargs": return .bool(macro.definition.readsVarargs)
            default: return nil
            }
        case .cycler(let cycler) where name == "current": return cycler.items.items[cycler.position]
        case .range(let range) where ["start", "stop", "step"].contains(name):
            return .int(name == "start" ? range.start : name == "stop" ? range.stop : range.step)
        default: break
        }
        if Methods.changing(value).contains(name) || name.hasPrefix("__") && name.hasSuffix("__") {
            return .undefined(
                UndefinedValue("access to '\(name)' of a '\(value.typeName)' is not allowed in templates"))
        }
        if Methods.supported(value).contains(name) { return .method(try MethodValue(value, name)) }
        if Methods.unsupported(value).contains(name) {
            throw TemplateFailure.unsupported(
                "'\(name)' of a '\(value.typeName)' is not supported by these chat templates; there are: "
                    + Methods.supported(value).sorted().joined(separator: ", "))
        }
        return nil
    }

    /// What `value[start:stop:step]` gives.
    ///
    /// - Parameter bounds: Start, stop and step.
    func slice(of value: Value, _ bounds: [Value?]) throws -> Value {
        if case .undefined(let undefined) = value { throw undefined.failure }
        let numbers = try bounds.map { bound -> Int? in
            guard let bound, !bound.isNone else { return nil }
            guard let number = bound.integer else {
                throw TemplateFailure.rendering(
                    "a slice's bounds must be whole numbers, not '\(bound.typeName)'")
            }
            return number
        }
        func indices(_ count: Int) throws -> [Int] {
            try Self.indices(numbers[0], numbers[1], numbers[2], count)
        }
        switch value {
        case .string(let text), .markup(let text):
            try spend(text: text)
            let scalars = Array(text.unicodeScalars)
            return value.sameKind(String(scalars: try indices(scalars.count).map { scalars[$0] }))
        case .list(let list):
            try spend(list.items.count)
            return try .list(indices(list.items.count).map { list.items[$0] })
        case .tuple(let list):
            try spend(list.items.count)
            return try .tuple(indices(list.items.count).map { list.items[$0] })
        case .range(let range):
            throw TemplateFailure.unsupported(
                "slices of ranges (here of \(range.count) numbers) are not supported by these chat templates; "
                    + "make a list of it by the filter 'list'")
        default: throw TemplateFailure.rendering("'\(value.typeName)' object cannot be sliced")
        }
    }

    private static func indices(_ start: Int?, _ stop: Int?, _ step: Int?, _ count: Int) throws -> [Int] {
        let step = step ?? 1
        guard step != 0 else { throw TemplateFailure.rendering("a slice's step cannot be zero") }
        let (low, high) = step > 0 ? (0, count) : (-1, count - 1)
        func clamped(_ bound: Int?, _ missing: Int) -> Int {
            guard let bound else { return missing }
            let shifted = bound < 0 ? bound.addingReportingOverflow(count).partialValue : bound
            return min(max(shifted, low), high)
        }
        let first = clamped(start, step > 0 ? low : high)
        let end = clamped(stop, step > 0 ? high : low)
        guard step.magnitude <= count.magnitude + 1 else {
            return (step > 0 ? first < end : first > end) ? [first] : []
        }
        return Array(stride(from: first, to: end, by: step))
    }
}

extension LoopValue {
    /// An attribute of the variable `loop`.
    fileprivate func attribute(_ name: String, _ value: Value) throws -> Value? {
        switch name {
        case "index": return .int(index0 + 1)
        case "index0": return .int(index0)
        case "first": return .bool(index0 == 0)
        case "last": return .bool(try peek() == nil)
        case "length": return .int(try count())
        case "revindex": return .int(try count() - index0)
        case "revindex0": return .int(try count() - index0 - 1)
        case "depth": return .int(nesting)
        case "depth0": return .int(nesting - 1)
        case "previtem":
            return index0 > 0 ? previous : .undefined(UndefinedValue("there is no previous item"))
        case "nextitem": return try peek() ?? .undefined(UndefinedValue("there is no next item"))
        case "cycle", "changed": return .method(try MethodValue(value, name))
        default: return nil
        }
    }
}
