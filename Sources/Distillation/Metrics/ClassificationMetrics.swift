/// The metrics of predicted classes against the true ones, as scikit-learn defines them.
public struct ClassificationMetrics: Sendable, Equatable {
    /// Rows: true classes; columns: predicted ones. Empty beyond ``largestMatrix`` classes, whose squares are too many.
    public let confusionMatrix: [[Int]]
    /// Of each class: its examples, its predictions, and how many are both.
    private let actual: [Int]
    private let predicted: [Int]
    private let correct: [Int]

    /// The most classes of a confusion matrix.
    public static let largestMatrix = 1000

    /// - Parameters:
    ///   - predictions: Classes in `0 ..< classCount`; others do not count.
    ///   - labels: As many true classes.
    ///   - classCount: The number of classes.
    public init(predictions: [Int], labels: [Int], classCount: Int) {
        let side = classCount <= Self.largestMatrix ? classCount : 0
        var matrix = [[Int]](repeating: [Int](repeating: 0, count: side), count: side)
        var actual = [Int](repeating: 0, count: classCount)
        var (predicted, correct) = (actual, actual)
        let classes = 0..<classCount
        for (prediction, label) in zip(predictions, labels)
        where classes.contains(prediction) && classes.contains(label) {
            if side > 0 { matrix[label][prediction] += 1 }
            actual[label] += 1
            predicted[prediction] += 1
            if label == prediction { correct[label] += 1 }
        }
        confusionMatrix = matrix
        (self.actual, self.predicted, self.correct) = (actual, predicted, correct)
    }

    private var classes: Range<Int> { actual.indices }
    private var total: Int { actual.reduce(0, +) }

    /// The fraction of right predictions.
    public var accuracy: Double { ratio(correct.reduce(0, +), total) }

    /// Of each class: the fraction of its predictions that are right; 0 where there are none.
    public var precision: [Double] { classes.map { ratio(correct[$0], predicted[$0]) } }

    /// Of each class: the fraction of its examples that are found; 0 where there are none.
    public var recall: [Double] { classes.map { ratio(correct[$0], actual[$0]) } }

    /// Of each class: the harmonic mean of precision and recall; 0 where both are.
    public var f1: [Double] { classes.map { ratio(2 * correct[$0], predicted[$0] + actual[$0]) } }

    /// The mean of the classes' F1, over the classes that occur among labels or predictions.
    public var macroF1: Double {
        let f1 = f1
        let present = classes.filter { actual[$0] + predicted[$0] > 0 }
        return present.isEmpty ? 0 : present.reduce(0) { $0 + f1[$1] } / Double(present.count)
    }

    /// The Matthews correlation for any number of classes (Gorodkin, Computational Biology and Chemistry, 2004):
    /// 1 for perfect, 0 for no better than chance.
    public var matthewsCorrelation: Double {
        let (n, right) = (Double(total), Double(correct.reduce(0, +)))
        let (actual, predicted) = (actual.map { Double($0) }, predicted.map { Double($0) })
        let covariance = right * n - zip(actual, predicted).reduce(0) { $0 + $1.0 * $1.1 }
        let norm =
            (n * n - predicted.reduce(0) { $0 + $1 * $1 }) * (n * n - actual.reduce(0) { $0 + $1 * $1 })
        return norm > 0 ? covariance / norm.squareRoot() : 0
    }

    private func ratio(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
}

/// The fraction of positions at which two lists of classes are equal; 0 for empty lists.
public func agreement(_ a: [Int], _ b: [Int]) -> Double {
    let count = min(a.count, b.count)
    return count == 0 ? 0 : Double(zip(a, b).count { $0 == $1 }) / Double(count)
}
