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
        // As a whole, so that names are taken as they are.
        let values = try decoder.singleValueContainer().decode([String: Double].self)
        names = values.keys.sorted()
        self.values = values
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values)
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
