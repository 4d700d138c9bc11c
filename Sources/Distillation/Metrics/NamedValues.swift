/// Named numbers in an order, such as the terms of a loss.
public struct NamedValues: Sendable, Equatable, Codable, ExpressibleByDictionaryLiteral {
    public private(set) var names: [String] = []
    private var values: [String: Double] = [:]

    public init() {}

    public init(dictionaryLiteral elements: (String, Double)...) {
        for (name, value) in elements { self[name] = value }
    }

    public subscript(name: String) -> Double? {
        get { values[name] }
        set {
            if values[name] == nil, newValue != nil { names.append(name) }
            if newValue == nil { names.removeAll { $0 == name } }
            values[name] = newValue
        }
    }

    public var isEmpty: Bool { names.isEmpty }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if decoder.userInfo[CheckpointRecord.keepsEverything] != nil {
            for pair in try container.decode([Pair].self) { self[pair.name] = pair.value }
            return
        }
        // As a whole, so that names are taken as they are.
        let values = try container.decode([String: Double].self)
        names = values.keys.sorted()
        self.values = values
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if encoder.userInfo[CheckpointRecord.keepsEverything] != nil {
            try container.encode(names.map { Pair(name: $0, value: values[$0] ?? .nan) })
        } else {
            try container.encode(values)
        }
    }

    /// A value as it is written where the order must come back.
    private struct Pair: Codable {
        let name: String
        let value: Double
    }

    /// Returns true if both hold the same numbers, in any order.
    public static func == (a: NamedValues, b: NamedValues) -> Bool { a.values == b.values }
}

extension NamedValues: Sequence {
    public func makeIterator() -> AnyIterator<(name: String, value: Double)> {
        var rest = names.makeIterator()
        return AnyIterator { rest.next().map { ($0, values[$0] ?? .nan) } }
    }
}
