import Foundation

/// An axis of a heat map: the positions of a setting's values.
public struct HeatMapAxis: Sendable, Equatable {
    /// The setting.
    public let name: String
    /// The label of each position; or, for bins, of each edge between them, one more than positions.
    public let labels: [String]
    /// True if each position is a bin of numbers.
    public let isBinned: Bool
    /// True if the positions are in numerical order.
    public let isNumeric: Bool
    /// The number of positions.
    public var count: Int { isBinned ? labels.count - 1 : labels.count }

    private enum Positions: Equatable {
        case values([SearchValue])
        /// The edges, of numbers or of their logarithms.
        case bins(edges: [Double], isLogarithmic: Bool)
    }
    private let positions: Positions

    /// Creates the axis of a setting's values.
    ///
    /// - Parameters:
    ///   - dimension: The setting and the domain that was searched.
    ///   - values: The values that were tried, one of each trial.
    init(_ dimension: SearchDimension, values: [SearchValue]) {
        name = dimension.name
        let tried = Self.distinct(values)
        // The square root of the number of trials: that many bins can be filled on both axes.
        let bins = min(8, max(3, Int(Double(values.count).squareRoot().rounded())))
        switch dimension.domain {
        case .choice(let listed):
            let shown = listed.filter { value in tried.contains { $0.isSame(as: value) } }
            (positions, labels, isBinned, isNumeric) = Self.values(shown.isEmpty ? listed : shown)
        case .int(let low, let high):
            if tried.count <= 10, !tried.isEmpty {
                (positions, labels, isBinned, isNumeric) = Self.values(tried)
            } else {
                // Edges at halves, so that each integer is inside a bin.
                (positions, labels, isBinned, isNumeric) = Self.bins(
                    from: Double(low) - 0.5, to: Double(high) + 0.5, count: bins, isLogarithmic: false)
            }
        case .uniform(let low, let high):
            (positions, labels, isBinned, isNumeric) = Self.bins(
                from: low, to: high, count: bins, isLogarithmic: false)
        case .logUniform(let low, let high):
            (positions, labels, isBinned, isNumeric) = Self.bins(
                from: log(low), to: log(high), count: bins, isLogarithmic: true)
        }
    }

    /// Returns the position of a value; `nil` where it has none.
    func position(of value: SearchValue) -> Int? {
        switch positions {
        case .values(let values): return values.firstIndex { $0.isSame(as: value) }
        case .bins(let edges, let isLogarithmic):
            guard let number = value.number, !isLogarithmic || number > 0 else { return nil }
            let coordinate = isLogarithmic ? log(number) : number
            let inner = edges.dropFirst().dropLast()
            return inner.count { $0 <= coordinate }
        }
    }

    private static func distinct(_ values: [SearchValue]) -> [SearchValue] {
        var result: [SearchValue] = []
        for value in values where !result.contains(where: { $0.isSame(as: value) }) { result.append(value) }
        return result
    }

    /// A position for each value: numbers in numerical order, others as they were listed.
    private static func values(_ values: [SearchValue]) -> (Positions, [String], Bool, Bool) {
        let numbers = values.compactMap(\.number)
        let isNumeric = numbers.count == values.count
        let sorted = isNumeric ? values.sorted { ($0.number ?? 0) < ($1.number ?? 0) } : values
        return (.values(sorted), sorted.map(\.text), false, isNumeric)
    }

    private static func bins(
        from low: Double, to high: Double, count: Int, isLogarithmic: Bool
    ) -> (Positions, [String], Bool, Bool) {
        let edges = (0...count).map { low + (high - low) * Double($0) / Double(count) }
        let labels = edges.map { edge in String(format: "%.3g", isLogarithmic ? exp(edge) : edge) }
        return (.bins(edges: edges, isLogarithmic: isLogarithmic), labels, true, true)
    }
}
