import Distillation

/// The settings that are searched together.
public struct SearchSpace: Sendable, Equatable {
    /// The settings, in the order in which they were given.
    public let dimensions: [SearchDimension]

    /// Creates a space of one or more settings.
    ///
    /// - Parameter dimensions: The settings; each name once.
    /// - Throws: `DistillationError` where there is none, or one is there twice.
    public init(_ dimensions: [SearchDimension]) throws {
        guard !dimensions.isEmpty else {
            throw DistillationError(
                "search: there is nothing to search; name settings with --search, or under search: in a "
                    + "configuration file")
        }
        for (index, dimension) in dimensions.enumerated()
        where dimensions[..<index].contains(where: { $0.name == dimension.name }) {
            throw dimension.error("the setting is there twice; give its values once")
        }
        self.dimensions = dimensions
    }

    /// The settings' names, in order.
    public var names: [String] { dimensions.map(\.name) }

    /// The number of combinations; `nil` where a range has infinitely many values, or they are too many to count.
    public var count: Int? {
        var product = 1
        for dimension in dimensions {
            guard let count = dimension.domain.count else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: count)
            guard !overflow else { return nil }
            product = next
        }
        return product
    }

    /// Returns the combination at an index in `0 ..< count`; the last setting varies fastest.
    func combination(at index: Int) -> [SearchValue] {
        var rest = index
        var values: [SearchValue] = []
        for dimension in dimensions.reversed() {
            guard let count = dimension.domain.count, let value = dimension.domain.value(at: rest % count)
            else { return [] }
            values.append(value)
            rest /= count
        }
        return values.reversed()
    }
}
