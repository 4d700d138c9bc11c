extension Value {
    /// Python's `==`.
    func equals(_ other: Value) throws -> Bool {
        switch (self, other) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.int(let left), .int(let right)): return left == right
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            if left === right { return true }
            guard left.items.count == right.items.count else { return false }
            for (left, right) in zip(left.items, right.items) where try !left.equals(right) {
                return false
            }
            return true
        case (.dictionary(let left), .dictionary(let right)):
            guard left.count == right.count else { return false }
            for entry in left.entries {
                guard let value = try right.value(of: entry.key), try entry.value.equals(value)
                else { return false }
            }
            return true
        case (.range(let left), .range(let right)):
            return left.count == right.count
                && (left.count == 0
                    || left.start == right.start && (left.count == 1 || left.step == right.step))
        case (.view(let left), .view(let right)) where left.kind != .values && left.kind == right.kind:
            let (left, right) = (try left.items(), try right.items())
            return try left.count == right.count
                && left.allSatisfy { item in try right.contains { try $0.equals(item) } }
        default:
            if let left = text, let right = other.text { return left.hasSameCharacters(as: right) }
            if let left = double, let right = other.double { return left == right }
            return isSame(as: other)
        }
    }

    /// Python's `is`, as far as it can be known.
    func isSame(as other: Value) -> Bool {
        switch (self, other) {
        case (.none, .none): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameCharacters(as: right)
        case (.undefined(let left), .undefined(let right)): left === right
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)): left === right
        case (.dictionary(let left), .dictionary(let right)): left === right
        case (.view(let left), .view(let right)): left === right
        case (.range(let left), .range(let right)): left === right
        case (.iterator(let left), .iterator(let right)): left === right
        case (.namespace(let left), .namespace(let right)): left === right
        case (.macro(let left), .macro(let right)): left === right
        case (.loop(let left), .loop(let right)): left === right
        case (.cycler(let left), .cycler(let right)): left === right
        case (.joiner(let left), .joiner(let right)): left === right
        case (.function(let left), .function(let right)): left == right
        default: false
        }
    }

    /// Python's `<`, and with `orEqual` its `<=`.
    ///
    /// - Throws: `TemplateFailure` for values without an order.
    func precedes(_ other: Value, orEqual: Bool = false) throws -> Bool {
        if let left = integer, let right = other.integer { return orEqual ? left <= right : left < right }
        if let left = double, let right = other.double { return orEqual ? left <= right : left < right }
        if let left = text, let right = other.text {
            if left.hasSameCharacters(as: right) { return orEqual }
            return left.utf8.lexicographicallyPrecedes(right.utf8)
        }
        switch (self, other) {
        case (.undefined(let undefined), _), (_, .undefined(let undefined)): throw undefined.failure
        case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
            for (left, right) in zip(left.items, right.items) where try !left.equals(right) {
                return try left.precedes(right, orEqual: orEqual)
            }
            let (left, right) = (left.items.count, right.items.count)
            return orEqual ? left <= right : left < right
        default:
            throw TemplateFailure.rendering(
                "'\(typeName)' and '\(other.typeName)' have no order; compare values of one type")
        }
    }

    /// Python's `in`.
    func contains(_ item: Value) throws -> Bool {
        switch self {
        case .string(let text), .markup(let text):
            guard let part = item.text else {
                throw TemplateFailure.rendering("'in' a string requires a string, not '\(item.typeName)'")
            }
            return part.isEmpty || !text.ranges(of: part, limit: 1).isEmpty
        case .dictionary(let value): return try value.value(of: item) != nil
        case .view(let view) where view.kind == .keys: return try view.dictionary.value(of: item) != nil
        case .range(let range):
            guard let number = item.double else { return false }
            return range.items.contains { $0.double == number }
        default:
            let iterator = try iterator()
            while let candidate = try iterator.next() {
                if try candidate.isSame(as: item) || candidate.equals(item) { return true }
            }
            return false
        }
    }
}
