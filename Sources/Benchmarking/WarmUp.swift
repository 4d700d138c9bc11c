import Distillation

/// Repeats a forward pass until its time is stable.
///
/// Passes are run in blocks of at least `blockSeconds` and `blockPasses`; it ends when a block's median is within
/// `tolerance` of the median of the block before, or after `maximumBlocks`.
public struct WarmUp: Sendable, Equatable {
    /// Each block takes at least this long.
    public var blockSeconds = 0.05
    /// Each block has at least so many passes.
    public var blockPasses = 3
    /// Medians that differ by no more than this fraction of the former are the same.
    public var tolerance = 0.05
    /// After so many blocks it ends in any case; at least 2.
    public var maximumBlocks = 8

    /// Makes the usual settings.
    public init() {}

    /// The result of a warm-up.
    public struct Result: Sendable, Equatable {
        /// The number of passes.
        public var passes: Int
        /// The last block's median, in seconds.
        public var seconds: Double
        /// True if the last two blocks agree.
        public var isStable: Bool
    }

    /// Warms up.
    ///
    /// - Parameter pass: Runs once, and returns the seconds that it took.
    /// - Throws: Any error of `pass`.
    public func run(_ pass: () throws -> Double) rethrows -> Result {
        var (passes, before) = (0, Double.nan)
        for block in 1...max(2, maximumBlocks) {
            var (times, total) = ([Double](), 0.0)
            while times.count < blockPasses || total < blockSeconds {
                times.append(try pass())
                total += max(times[times.count - 1], 1e-7)
            }
            passes += times.count
            let median = quantile(times.sorted(), 0.5)
            let isStable = block > 1 && abs(median - before) <= tolerance * before
            if isStable || block >= max(2, maximumBlocks) {
                return Result(passes: passes, seconds: median, isStable: isStable)
            }
            before = median
        }
        return Result(passes: passes, seconds: before, isStable: false)
    }
}
