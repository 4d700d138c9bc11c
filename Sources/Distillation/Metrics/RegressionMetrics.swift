/// The metrics of predicted numbers against the true ones.
public struct RegressionMetrics: Sendable, Equatable {
    /// Pearson's correlation; 0 where one side does not vary.
    public let pearson: Double
    /// Spearman's correlation: Pearson's of the ranks, of which equal values share the mean; 0 where one side does not vary.
    public let spearman: Double
    /// The mean squared error.
    public let meanSquaredError: Double
    /// The mean absolute error.
    public let meanAbsoluteError: Double
    /// The coefficient of determination R², as scikit-learn defines it: for labels that do not vary 1 where all are predicted exactly,
    /// else 0.
    public let r2: Double

    /// - Parameters:
    ///   - predictions: Numbers.
    ///   - labels: As many true ones. Without any, all metrics are 0.
    public init(predictions: [Double], labels: [Double]) {
        let pairs = Array(zip(predictions, labels))
        let (predictions, labels) = (pairs.map(\.0), pairs.map(\.1))
        let count = Double(max(1, pairs.count))
        pearson = Self.pearson(predictions, labels)
        spearman = Self.pearson(Self.ranks(predictions), Self.ranks(labels))
        let squares = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        meanSquaredError = squares / count
        meanAbsoluteError = pairs.reduce(0) { $0 + abs($1.0 - $1.1) } / count
        let mean = labels.reduce(0, +) / count
        let variation = labels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        r2 = pairs.isEmpty ? 0 : variation > 0 ? 1 - squares / variation : squares == 0 ? 1 : 0
    }

    /// Pearson's correlation of two lists of one length; 0 where one does not vary.
    static func pearson(_ a: [Double], _ b: [Double]) -> Double {
        guard let first = a.first, let other = b.first, a.contains(where: { $0 != first }),
            b.contains(where: { $0 != other })
        else { return 0 }
        let count = Double(a.count)
        let (meanA, meanB) = (a.reduce(0, +) / count, b.reduce(0, +) / count)
        var (covariance, squaresA, squaresB) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            let (dx, dy) = (x - meanA, y - meanB)
            covariance += dx * dy
            squaresA += dx * dx
            squaresB += dy * dy
        }
        let norm = (squaresA * squaresB).squareRoot()
        // Rounding must not lead out of a correlation's range.
        return norm > 0 ? max(-1, min(1, covariance / norm)) : norm.isNaN ? .nan : 0
    }

    /// The rank of each value, from 1; equal values share the mean of theirs.
    static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = [Double](repeating: 0, count: values.count)
        var start = 0
        while start < order.count {
            var end = start + 1
            while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
            for index in start..<end { ranks[order[index]] = Double(start + 1 + end) / 2 }
            start = end
        }
        return ranks
    }
}
