/// Named numbers in an order, such as a model's metrics or the terms of a loss.
public struct MetricValues: Sendable, Equatable, Codable, ExpressibleByDictionaryLiteral {
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
        let values = try [String: Double](from: decoder)
        names = values.keys.sorted()
        self.values = values
    }

    public func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }
}

extension MetricValues: Sequence {
    public func makeIterator() -> AnyIterator<(name: String, value: Double)> {
        var rest = names.makeIterator()
        return AnyIterator { rest.next().map { ($0, values[$0] ?? .nan) } }
    }
}
