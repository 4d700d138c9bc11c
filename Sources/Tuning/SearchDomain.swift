import Datasets
import Foundation

/// The values among which a setting is searched.
public enum SearchDomain: Sendable, Equatable {
    /// These values.
    case choice([SearchValue])
    /// Numbers from `low` to `high`, all equally likely.
    case uniform(low: Double, high: Double)
    /// Numbers from `low` to `high` whose logarithms are equally likely: for settings whose order of magnitude matters.
    case logUniform(low: Double, high: Double)
    /// Whole numbers from `low` to `high`, both included.
    case int(low: Int, high: Int)

    /// True if it is a range, from which values are drawn.
    public var isRange: Bool {
        if case .choice = self { false } else { true }
    }

    /// The number of values; `nil` for a range of real numbers.
    public var count: Int? {
        switch self {
        case .choice(let values): values.count
        case .int(let low, let high):
            high.subtractingReportingOverflow(low).overflow || high - low == .max ? nil : high - low + 1
        case .uniform, .logUniform: nil
        }
    }

    /// The value at an index in `0 ..< count`.
    func value(at index: Int) -> SearchValue? {
        switch self {
        case .choice(let values): values.indices.contains(index) ? values[index] : nil
        case .int(let low, _): SearchValue("\(low + index)")
        case .uniform, .logUniform: nil
        }
    }

    /// Draws a value.
    ///
    /// Numbers are written with as few digits as distinguish a thousand values of the range: they are for people to
    /// read, and the text is the value.
    func draw(_ generator: inout SeededGenerator) -> SearchValue {
        let bits = generator.next()
        let unit = Double(bits >> 11) * 0x1p-53
        switch self {
        case .choice(let values):
            return values[Int(bits.multipliedFullWidth(by: UInt64(values.count)).high)]
        case .int(let low, let high):
            let span = UInt64(bitPattern: Int64(high &- low)) &+ 1
            let offset = span == 0 ? bits : bits.multipliedFullWidth(by: span).high
            return SearchValue("\(low &+ Int(truncatingIfNeeded: offset))")
        case .uniform(let low, let high):
            let value = low * (1 - unit) + high * unit
            let step = (high / 1000 - low / 1000) / 2
            return Self.shortest(value, in: low...high) { abs($0 - value) <= step }
        case .logUniform(let low, let high):
            let (from, to) = (log(low), log(high))
            let logarithm = from + (to - from) * unit
            let step = (to - from) / 2000
            let value = min(max(exp(logarithm), low), high)
            return Self.shortest(value, in: low...high) { abs(log($0) - logarithm) <= step }
        }
    }

    private static func shortest(
        _ value: Double, in range: ClosedRange<Double>, isNear: (Double) -> Bool
    ) -> SearchValue {
        for digits in 2...16 {
            let text = String(format: "%.\(digits)g", value)
            if let written = Double(text), range.contains(written), isNear(written) {
                return SearchValue(text)
            }
        }
        return SearchValue("\(value)")
    }
}

extension SearchDomain: CustomStringConvertible {
    /// The domain in the grammar that ``SearchDimension/init(name:parsing:)`` reads.
    public var description: String {
        switch self {
        case .choice(let values): "[" + values.map(\.text).joined(separator: ", ") + "]"
        case .uniform(let low, let high): "uniform(\(low), \(high))"
        case .logUniform(let low, let high): "loguniform(\(low), \(high))"
        case .int(let low, let high): "int(\(low), \(high))"
        }
    }
}
