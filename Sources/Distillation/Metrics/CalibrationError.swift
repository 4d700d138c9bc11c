/// The expected calibration error (Guo, Pleiss, Sun and Weinberger, arXiv 1706.04599): how far confidence is from accuracy,
/// in bins of equal width, weighted by their examples.
public struct CalibrationError: Sendable, Equatable {
    /// The error, from 0 to 1; 0 without examples.
    public let value: Double

    /// - Parameters:
    ///   - confidences: The probability of each example's prediction, from 0 to 1.
    ///   - isCorrect: True for each prediction that is right.
    ///   - bins: The number of bins; a bin holds its upper bound.
    public init(confidences: [Double], isCorrect: [Bool], bins: Int = 15) {
        value =
            CalibrationHistogram(confidences: confidences, isRight: isCorrect, count: bins).expectedError ?? 0
    }
}
