import Distillation

/// Times of one kind, measured in rounds: percentiles over all of them, and how far the rounds differ.
public struct TimingSummary: Sendable, Equatable, Codable {
    /// Half of the times are at most this, in milliseconds; percentiles lie between neighbors linearly, as NumPy's.
    public var p50Milliseconds: Double
    /// 95 % are at most this.
    public var p95Milliseconds: Double
    /// 99 % are at most this; of fewer than 100 times it says little.
    public var p99Milliseconds: Double
    /// The arithmetic mean.
    public var meanMilliseconds: Double
    /// The number of times.
    public var samples: Int
    /// The median of each round, in the order in which they were run.
    public var roundMediansMilliseconds: [Double]
    /// The largest round's median less the smallest's, as a fraction of the median of them all:
    /// the variation that the machine adds.
    public var roundSpread: Double

    /// Summarizes times.
    ///
    /// - Parameter rounds: For each round its times in seconds; rounds without times are left out.
    /// - Returns: `nil` without any time.
    public init?(rounds: [[Double]]) {
        let rounds = rounds.filter { !$0.isEmpty }.map { $0.map { $0 * 1e3 } }
        guard let all = LatencyStatistics(samples: rounds.flatMap(\.self)) else { return nil }
        (p50Milliseconds, p95Milliseconds, p99Milliseconds) = (all.p50, all.p95, all.p99)
        meanMilliseconds = all.mean
        samples = rounds.reduce(0) { $0 + $1.count }
        let medians = rounds.map { quantile($0.sorted(), 0.5) }
        roundMediansMilliseconds = medians
        let middle = quantile(medians.sorted(), 0.5)
        roundSpread = middle > 0 ? ((medians.max() ?? 0) - (medians.min() ?? 0)) / middle : 0
    }

    /// Computes the speedup over another, round by round, so that a slower machine in one round affects both.
    ///
    /// - Parameter other: Times of the same rounds.
    /// - Returns: The median of the rounds' ratios, the smallest and the largest.
    public func speedup(over other: TimingSummary) -> Speedup {
        let ratios = zip(other.roundMediansMilliseconds, roundMediansMilliseconds).map { $0 / max($1, 1e-9) }
            .sorted()
        guard let low = ratios.first, let high = ratios.last else {
            return Speedup(median: 1, low: 1, high: 1)
        }
        return Speedup(median: quantile(ratios, 0.5), low: low, high: high)
    }
}

/// The factor by which one model is faster than another.
public struct Speedup: Sendable, Equatable, Codable {
    /// Of the rounds.
    public var median: Double
    /// Of the round in which it did worst.
    public var low: Double
    /// Of the round in which it did best.
    public var high: Double
}
