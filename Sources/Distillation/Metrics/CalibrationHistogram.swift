/// Predictions counted by confidence, in bins of equal width that hold their upper bound, as in Guo, Pleiss, Sun and Weinberger
/// (arXiv 1706.04599).
struct CalibrationHistogram: Sendable, Equatable, Codable {
    /// The predictions of about the same confidence.
    struct Bin: Sendable, Equatable, Codable {
        var count = 0
        /// The sum of the confidences.
        var confidence = 0.0
        /// The number that are right.
        var right = 0
    }

    /// The number of bins where nothing else is asked for.
    static let usualCount = 15

    /// The bins, by rising confidence.
    private(set) var bins: [Bin]

    /// An empty histogram.
    ///
    /// - Parameter count: The number of bins; at least one is made.
    init(count: Int = Self.usualCount) { bins = [Bin](repeating: Bin(), count: max(1, count)) }

    /// Counts predictions.
    ///
    /// - Parameters:
    ///   - confidences: The probability of each prediction, from 0 to 1.
    ///   - isRight: True for each prediction that is right.
    ///   - count: The number of bins; at least one is made.
    init(confidences: [Double], isRight: [Bool], count: Int = Self.usualCount) {
        self.init(count: count)
        for (confidence, isRight) in zip(confidences, isRight) { add(confidence, isRight: isRight) }
    }

    /// The bin of a confidence: bins are open at their lower end, as the paper defines them.
    ///
    /// - Parameters:
    ///   - confidence: From 0 to 1; values outside go to the nearest bin, NaN to the first.
    ///   - count: The number of bins, at least 1.
    static func bin(of confidence: Double, count: Int) -> Int {
        let bin = (confidence * Double(count)).rounded(.up)
        return bin >= 1 ? Int(min(bin, Double(count))) - 1 : 0
    }

    mutating func add(_ confidence: Double, isRight: Bool) {
        let bin = Self.bin(of: confidence, count: bins.count)
        bins[bin].count += 1
        bins[bin].confidence += confidence
        bins[bin].right += isRight ? 1 : 0
    }

    /// Adds the predictions of a histogram with as many bins.
    mutating func merge(_ other: CalibrationHistogram) {
        for (index, bin) in other.bins.enumerated() {
            bins[index].count += bin.count
            bins[index].confidence += bin.confidence
            bins[index].right += bin.right
        }
    }

    /// The expected calibration error: how far confidence is from accuracy, weighted by predictions; `nil` without predictions.
    var expectedError: Double? {
        let total = bins.reduce(0) { $0 + $1.count }
        guard total > 0 else { return nil }
        return bins.reduce(0) { $0 + abs(Double($1.right) - $1.confidence) } / Double(total)
    }
}
