/// The distribution of measured times.
public struct LatencyStatistics: Sendable, Equatable {
    public let p50: Double
    public let p95: Double
    public let p99: Double
    public let mean: Double

    /// - Parameter samples: Times in one unit; at least one.
    /// - Returns: `nil` without samples.
    public init?(samples: [Double]) {
        guard !samples.isEmpty else { return nil }
        let sorted = samples.sorted()
        p50 = quantile(sorted, 0.50)
        p95 = quantile(sorted, 0.95)
        p99 = quantile(sorted, 0.99)
        mean = samples.reduce(0, +) / Double(samples.count)
    }
}

/// The quantile of sorted numbers, with linear interpolation between neighbors, as NumPy's default.
package func quantile(_ sorted: [Double], _ fraction: Double) -> Double {
    let position = fraction * Double(sorted.count - 1)
    let below = Int(position)
    let above = min(below + 1, sorted.count - 1)
    return sorted[below] + (sorted[above] - sorted[below]) * (position - Double(below))
}
