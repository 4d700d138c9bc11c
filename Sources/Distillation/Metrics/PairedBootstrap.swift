import Datasets
import Foundation

/// A test of whether one system is better than another on the same examples, or only by chance: the paired bootstrap (Efron,
/// "Bootstrap Methods", 1979; Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004).
///
/// Examples are drawn with replacement, as many as there are, again and again, and the two systems are compared on each
/// draw.
public struct PairedBootstrap: Sendable, Equatable, Codable {
    /// The first system's metric minus the second's, on all examples.
    public let difference: Double
    /// The mean difference over the draws.
    public let meanDifference: Double
    /// The 2.5 and 97.5 % quantiles of the differences.
    public let lower: Double
    public let upper: Double
    /// Two-sided: twice the fraction of draws on the rarer side of 0 (draws of no difference count on both sides), the data
    /// themselves counted as a draw, at most 1; and never less than n examples can show, which is 2^(1 − n), the sign test's where all
    /// differ in one direction: draws of one example are all the same.
    public let pValue: Double
    public let resamples: Int

    /// Compares two systems by any metric.
    ///
    /// - Parameters:
    ///   - count: The number of examples.
    ///   - resamples: The number of draws, at least 1.
    ///   - seed: Decides the draws.
    ///   - difference: The first system's metric minus the second's on the examples at these indices, some of them several
    ///     times.
    /// - Throws: ``DistillationError`` without examples or draws; any error of `difference`.
    public init(
        count: Int, resamples: Int = 10_000, seed: UInt64 = 42, difference: ([Int]) throws -> Double
    ) throws {
        try self.init(counts: [count], resamples: resamples, seed: seed) { try difference($0[0]) }
    }

    /// Compares two systems on several sets of examples, such as tasks: each draw has as many of each set as the set has.
    ///
    /// - Parameters:
    ///   - counts: The number of examples of each set.
    ///   - resamples: The number of draws, at least 1.
    ///   - seed: Decides the draws.
    ///   - difference: The first system's metric minus the second's on the examples at these indices, set by set.
    /// - Throws: ``DistillationError`` without examples or draws; any error of `difference`.
    public init(
        counts: [Int], resamples: Int = 10_000, seed: UInt64 = 42, difference: ([[Int]]) throws -> Double
    ) throws {
        var differences = try BootstrapDraws(counts: counts, resamples: resamples, seed: seed).map(difference)
        self.difference = try difference(counts.map { Array(0..<$0) })
        self.resamples = resamples
        meanDifference = differences.reduce(0, +) / Double(resamples)
        let (below, above) = (differences.count { $0 <= 0 }, differences.count { $0 >= 0 })
        pValue = min(
            1,
            max(
                2 * Double(min(below, above) + 1) / Double(resamples + 1),
                exp2(Double(1 - min(counts.reduce(0, +), 1000)))))
        differences.sort()
        lower = quantile(differences, 0.025)
        upper = quantile(differences, 0.975)
    }

    /// Compares two systems by a score for each example, such as 1 for a right prediction and 0 for a wrong one.
    ///
    /// - Parameters:
    ///   - scores: The first system's.
    ///   - others: The second system's, on the same examples.
    ///   - resamples: The number of draws, at least 1.
    ///   - seed: Decides the draws.
    /// - Throws: ``DistillationError`` where there are no scores, or not as many of the one as of the other.
    public init(scores: [Double], others: [Double], resamples: Int = 10_000, seed: UInt64 = 42) throws {
        guard scores.count == others.count else {
            throw DistillationError(
                "a paired bootstrap needs both systems' scores of the same examples, got \(scores.count) and "
                    + "\(others.count)")
        }
        let gains = zip(scores, others).map { $0 - $1 }
        try self.init(count: gains.count, resamples: resamples, seed: seed) { indices in
            indices.reduce(0) { $0 + gains[$1] } / Double(indices.count)
        }
    }
}
