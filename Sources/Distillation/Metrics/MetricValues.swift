/// Named numbers in the order of ``MetricName``; as JSON an object.
public struct MetricValues: Sendable, Equatable {
    private var values: [MetricName: Double] = [:]

    public init() {}

    /// A metric's value; `nil` where it was not computed.
    public subscript(name: MetricName) -> Double? {
        get { values[name] }
        set { values[name] = newValue }
    }

    /// True if none was computed.
    public var isEmpty: Bool { values.isEmpty }

    /// The metrics that were computed, in order.
    public var names: [MetricName] { MetricName.allCases.filter { values[$0] != nil } }

    /// Names and values, in order.
    public var entries: [(name: MetricName, value: Double)] {
        MetricName.allCases.compactMap { name in values[name].map { (name, $0) } }
    }

    /// Returns true if a metric here is better than an earlier value; NaN is never better.
    ///
    /// - Parameters:
    ///   - name: The metric.
    ///   - other: The value to beat.
    public func isBetter(_ name: MetricName, than other: Double) -> Bool {
        guard let own = values[name] else { return false }
        return name.improvement(of: own, over: other) > 0
    }
}

extension MetricValues: Codable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Returns a name without the marks of its case: decoders may have turned snake case into camel case.
    private static func plain(_ name: String) -> String { name.replacing("_", with: "").lowercased() }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for key in container.allKeys {
            guard
                let name = MetricName.allCases.first(where: {
                    Self.plain($0.rawValue) == Self.plain(key.stringValue)
                })
            else { continue }
            values[name] =
                decoder.userInfo[CheckpointRecord.keepsEverything] == nil
                ? try container.decode(Double?.self, forKey: key) ?? .nan
                : try container.decode(Double.self, forKey: key)
        }
    }

    /// Numbers that JSON does not have are written as null, but in a checkpoint.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (name, value) in entries {
            let keeps = value.isFinite || encoder.userInfo[CheckpointRecord.keepsEverything] != nil
            try container.encode(keeps ? value : nil, forKey: Key(stringValue: name.rawValue))
        }
    }
}
