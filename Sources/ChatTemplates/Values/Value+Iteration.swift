extension Value {
    /// An iterator over the value, as Python's `iter` gives it.
    ///
    /// - Throws: `TemplateFailure` for what cannot be iterated.
    func iterator() throws -> IteratorValue {
        if case .iterator(let iterator) = self { return iterator }
        return IteratorValue(try items())
    }

    /// All items; takes what is left of an iterator.
    func items() throws -> [Value] {
        switch self {
        case .undefined: return []
        case .list(let list), .tuple(let list): return list.items
        case .string(let text), .markup(let text): return text.unicodeScalars.map { .string(String($0)) }
        case .dictionary(let dictionary): return dictionary.entries.map(\.key)
        case .view(let view): return try view.items()
        case .range(let range): return range.items
        case .iterator(let iterator): return try iterator.rest()
        case .loop:
            throw TemplateFailure.unsupported(
                "iterating over 'loop' is not supported by these chat templates")
        default: throw TemplateFailure.rendering("'\(typeName)' object is not iterable")
        }
    }

    /// The number of items, where Python's `len` knows it.
    func count() throws -> Int? {
        switch self {
        case .undefined: 0
        case .list(let list), .tuple(let list): list.items.count
        case .string(let text), .markup(let text): text.unicodeScalars.count
        case .dictionary(let dictionary): dictionary.count
        case .view(let view): view.dictionary.count
        case .range(let range): range.count
        case .loop(let loop): try loop.count()
        default: nil
        }
    }

    /// True for what Python's `iter` takes.
    var isIterable: Bool {
        switch self {
        case .none, .bool, .int, .float, .namespace, .macro, .function, .method, .cycler, .joiner: false
        default: true
        }
    }
}
