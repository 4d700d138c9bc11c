import Foundation

/// One axis of a heat map: the places at which a setting's values lie.
public struct HeatMapAxis: Sendable, Equatable {
    /// The setting.
    public let name: String
    /// Of each place; or, where places are bins, of each edge between them, one more than places.
    public let labels: [String]
    /// Whether a place is a bin of numbers.
    public let isBinned: Bool
    /// Whether its places are in order of size.
    public let isNumeric: Bool
    /// How many places there are.
    public var count: Int { isBinned ? labels.count - 1 : labels.count }

    private enum Places: Equatable {
        case values([SearchValue])
        /// The edges, of numbers or of their logarithms.
        case bins(edges: [Double], isLogarithmic: Bool)
    }
    private let places: Places

    /// The places of a setting's values.
    ///
    /// - Parameters:
    ///   - dimension: The setting and where it was searched.
    ///   - values: The values that were tried, one of each trial.
    init(_ dimension: SearchDimension, values: [SearchValue]) {
        name = dimension.name
        let tried = Self.distinct(values)
        // The root of the number of trials is how many bins both axes can fill.
        let bins = min(8, max(3, Int(Double(values.count).squareRoot().rounded())))
        switch dimension.domain {
        case .choice(let listed):
            let shown = listed.filter { value in tried.contains { $0.isSame(as: value) } }
            (places, labels, isBinned, isNumeric) = Self.values(shown.isEmpty ? listed : shown)
        case .int(let low, let high):
            if tried.count <= 10, !tried.isEmpty {
                (places, labels, isBinned, isNumeric) = Self.values(tried)
            } else {
                // Edges at halves, so that each whole number lies inside a bin.
                (places, labels, isBinned, isNumeric) = Self.bins(
                    from: Double(low) - 0.5, to: Double(high) + 0.5, count: bins, isLogarithmic: false)
            }
        case .uniform(let low, let high):
            (places, labels, isBinned, isNumeric) = Self.bins(
                from: low, to: high, count: bins, isLogarithmic: false)
        case .logUniform(let low, let high):
            (places, labels, isBinned, isNumeric) = Self.bins(
                from: log(low), to: log(high), count: bins, isLogarithmic: true)
        }
    }

    /// The place of a value; `nil` where it has none.
    func place(of value: SearchValue) -> Int? {
        switch places {
        case .values(let values): return values.firstIndex { $0.isSame(as: value) }
        case .bins(let edges, let isLogarithmic):
            guard let number = value.number, !isLogarithmic || number > 0 else { return nil }
            let position = isLogarithmic ? log(number) : number
            let inner = edges.dropFirst().dropLast()
            return inner.count { $0 <= position }
        }
    }

    private static func distinct(_ values: [SearchValue]) -> [SearchValue] {
        var result: [SearchValue] = []
        for value in values where !result.contains(where: { $0.isSame(as: value) }) { result.append(value) }
        return result
    }

    /// A place for each value: numbers in order of size, others as they were listed.
    private static func values(_ values: [SearchValue]) -> (Places, [String], Bool, Bool) {
        let numbers = values.compactMap(\.number)
        let isNumeric = numbers.count == values.count
        let sorted = isNumeric ? values.sorted { ($0.number ?? 0) < ($1.number ?? 0) } : values
        return (.values(sorted), sorted.map(\.text), false, isNumeric)
    }

    private static func bins(
        from low: Double, to high: Double, count: Int, isLogarithmic: Bool
    ) -> (Places, [String], Bool, Bool) {
        let edges = (0...count).map { low + (high - low) * Double($0) / Double(count) }
        let labels = edges.map { edge in String(format: "%.3g", isLogarithmic ? exp(edge) : edge) }
        return (.bins(edges: edges, isLogarithmic: isLogarithmic), labels, true, true)
    }
}
