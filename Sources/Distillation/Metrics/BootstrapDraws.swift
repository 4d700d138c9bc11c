import Datasets

/// Draws with replacement from one or more sets of examples, as many from each as it has (Efron and Tibshirani, "An Introduction
/// to the Bootstrap", 1993). The same seed gives the same draws.
struct BootstrapDraws {
    private let counts: [Int]
    private let resamples: Int
    private let seed: UInt64

    /// - Parameters:
    ///   - counts: The number of examples of each set.
    ///   - resamples: The number of draws.
    ///   - seed: Decides the draws.
    /// - Throws: ``DistillationError`` where there are no sets, a set has no examples, or there are no draws.
    init(counts: [Int], resamples: Int, seed: UInt64) throws {
        guard let least = counts.min(), least > 0, resamples > 0 else {
            throw DistillationError(
                "a bootstrap needs examples and resamples, got \(counts.map(String.init).joined(separator: " + ")) examples and "
                    + "\(resamples) resamples")
        }
        (self.counts, self.resamples, self.seed) = (counts, resamples, seed)
    }

    /// A statistic of each draw.
    ///
    /// - Parameter statistic: Takes the indices of the examples drawn, set by set.
    func map(_ statistic: ([[Int]]) throws -> Double) rethrows -> [Double] {
        var generator = SeededGenerator(seed: seed)
        var indices = counts.map { [Int](repeating: 0, count: $0) }
        var values: [Double] = []
        values.reserveCapacity(resamples)
        for _ in 0..<resamples {
            for (set, count) in counts.enumerated() {
                for draw in 0..<count { indices[set][draw] = generator.index(below: count) }
            }
            values.append(try statistic(indices))
        }
        return values
    }
}

extension SeededGenerator {
    /// An index below a bound, by multiplication; the bias is below bound / 2⁶⁴.
    fileprivate mutating func index(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }
}
