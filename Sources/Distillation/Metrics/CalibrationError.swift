/// The expected calibration error (Guo, Pleiss, Sun and Weinberger, arXiv 1706.04599): how far confidence is from accuracy,
/// in bins of equal width, weighted by their examples.
public struct CalibrationError: Sendable, Equatable {
    public let value: Double

    /// The bin of a confidence: bins are open at their lower end, as the paper defines them.
    ///
    /// - Parameters:
    ///   - confidence: From 0 to 1; what lies outside, or is no number, goes to the nearest bin, or the first.
    ///   - count: The number of bins, at least 1.
    static func bin(of confidence: Double, count: Int) -> Int {
        let place = (confidence * Double(count)).rounded(.up)
        return place >= 1 ? Int(min(place, Double(count))) - 1 : 0
    }

    /// - Parameters:
    ///   - confidences: The probability of each example's answer, from 0 to 1.
    ///   - isCorrect: Whether each answer is right.
    ///   - bins: The number of bins; a bin holds its upper bound.
    public init(confidences: [Double], isCorrect: [Bool], bins: Int = 15) {
        let bins = max(1, bins)
        var sums = [(count: Int, confidence: Double, correct: Int)](
            repeating: (0, 0, 0), count: bins)
        for (confidence, right) in zip(confidences, isCorrect) {
            let bin = Self.bin(of: confidence, count: bins)
            sums[bin].count += 1
            sums[bin].confidence += confidence
            sums[bin].correct += right ? 1 : 0
        }
        let total = sums.reduce(0) { $0 + $1.count }
        value =
            total == 0 ? 0 : sums.reduce(0) { $0 + abs(Double($1.correct) - $1.confidence) } / Double(total)
    }
}
