/// Mean and standard deviation of some measurements, such as one for each seed.
public struct SampleStatistics: Sendable, Equatable, Codable {
    public let count: Int
    public let mean: Double
    /// The sample standard deviation, over count − 1; 0 for a single value.
    public let standardDeviation: Double

    /// - Parameter values: At least one.
    /// - Returns: `nil` without values.
    public init?(_ values: [Double]) {
        guard !values.isEmpty else { return nil }
        count = values.count
        let mean = values.reduce(0, +) / Double(values.count)
        self.mean = mean
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        standardDeviation = count > 1 ? (squares / Double(count - 1)).squareRoot() : 0
    }
}
