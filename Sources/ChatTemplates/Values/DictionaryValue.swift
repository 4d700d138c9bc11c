/// A mapping that keeps the order of its keys and never changes.
final class DictionaryValue {
    let entries: [(key: Value, value: Value)]
    let depth: Int
    let size: Int
    private let positions: [HashedKey: Int]

    /// Makes a mapping; of a key given twice the last value counts, in the first one's place.
    ///
    /// - Throws: `TemplateFailure` for a key that has no hash.
    init(_ given: [(key: Value, value: Value)]) throws {
        var entries: [(key: Value, value: Value)] = []
        var positions: [HashedKey: Int] = [:]
        var inner = 0
        for entry in given {
            inner = max(inner, entry.value.depth, entry.key.depth)
            let key = try HashedKey(entry.key)
            if let position = positions[key] {
                entries[position].value = entry.value
            } else {
                positions[key] = entries.count
                entries.append(entry)
            }
        }
        depth = try ListValue.depth(inner)
        size = try ListValue.size(entries.reduce(0) { $0 &+ $1.key.size &+ $1.value.size })
        self.entries = entries
        self.positions = positions
    }

    var count: Int { entries.count }

    /// The value of a key.
    ///
    /// - Throws: `TemplateFailure` for a key that has no hash.
    func value(of key: Value) throws -> Value? {
        positions[try HashedKey(key)].map { entries[$0].value }
    }

    /// The value of a name.
    subscript(name: String) -> Value? {
        positions[HashedKey(name: name)].map { entries[$0].value }
    }
}

/// A key of a mapping, equal where Python calls keys equal.
enum HashedKey: Hashable {
    case none
    case text([UInt8])
    case integer(Int)
    case float(Double)
    case tuple([HashedKey])
    case object(ObjectIdentifier)

    init(name: String) { self = .text(Array(name.utf8)) }

    init(_ value: Value) throws {
        switch value {
        case .none: self = .none
        case .string(let text), .markup(let text): self = .text(Array(text.utf8))
        case .bool(let value): self = .integer(value ? 1 : 0)
        case .int(let value): self = .integer(value)
        case .float(let value): self = Int(exactly: value).map(HashedKey.integer) ?? .float(value)
        case .tuple(let list): self = .tuple(try list.items.map { try HashedKey($0) })
        case .undefined: self = .object(ObjectIdentifier(UndefinedValue.self))
        case .namespace(let value): self = .object(ObjectIdentifier(value))
        case .macro(let value): self = .object(ObjectIdentifier(value))
        default: throw TemplateFailure.rendering("unhashable type: '\(value.typeName)'")
        }
    }
}

/// What `keys()`, `values()` and `items()` give.
final class DictionaryView {
    enum Kind: String {
        case keys = "dict_keys"
        case values = "dict_values"
        case items = "dict_items"
    }

    let dictionary: DictionaryValue
    let kind: Kind

    init(_ dictionary: DictionaryValue, _ kind: Kind) {
        self.dictionary = dictionary
        self.kind = kind
    }

    func items() throws -> [Value] {
        switch kind {
        case .keys: dictionary.entries.map(\.key)
        case .values: dictionary.entries.map(\.value)
        case .items: try dictionary.entries.map { try .tuple([$0.key, $0.value]) }
        }
    }
}
