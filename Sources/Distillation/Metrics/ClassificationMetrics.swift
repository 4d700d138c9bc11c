/// How well predicted classes fit the true ones, as scikit-learn defines it.
public struct ClassificationMetrics: Sendable, Equatable {
    /// Rows: true classes; columns: predicted ones.
    public let confusionMatrix: [[Int]]

    /// - Parameters:
    ///   - predictions: Classes in `0 ..< classCount`; others do not count.
    ///   - labels: As many true classes.
    ///   - classCount: The number of classes.
    public init(predictions: [Int], labels: [Int], classCount: Int) {
        var matrix = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
        let classes = 0..<classCount
        for (prediction, label) in zip(predictions, labels)
        where classes.contains(prediction) && classes.contains(label) {
            matrix[label][prediction] += 1
        }
        confusionMatrix = matrix
    }

    private var classes: Range<Int> { confusionMatrix.indices }
    private var total: Int { confusionMatrix.reduce(0) { $0 + $1.reduce(0, +) } }
    private func correct(_ label: Int) -> Int { confusionMatrix[label][label] }
    private func actual(_ label: Int) -> Int { confusionMatrix[label].reduce(0, +) }
    private func predicted(_ label: Int) -> Int { confusionMatrix.reduce(0) { $0 + $1[label] } }

    /// The share of right predictions.
    public var accuracy: Double { ratio(classes.reduce(0) { $0 + correct($1) }, total) }

    /// Of each class: the share of its predictions that are right; 0 where there are none.
    public var precision: [Double] { classes.map { ratio(correct($0), predicted($0)) } }

    /// Of each class: the share of its examples that are found; 0 where there are none.
    public var recall: [Double] { classes.map { ratio(correct($0), actual($0)) } }

    /// Of each class: the harmonic mean of precision and recall; 0 where both are.
    public var f1: [Double] { classes.map { ratio(2 * correct($0), predicted($0) + actual($0)) } }

    /// The mean of the classes' F1, over the classes that occur among labels or predictions.
    public var macroF1: Double {
        let present = classes.filter { actual($0) + predicted($0) > 0 }
        return present.isEmpty ? 0 : present.reduce(0) { $0 + f1[$1] } / Double(present.count)
    }

    /// The Matthews correlation for any number of classes (Gorodkin, Computational Biology and Chemistry, 2004):
    /// 1 for perfect, 0 for no better than chance.
    public var matthewsCorrelation: Double {
        let (n, right) = (Double(total), Double(classes.reduce(0) { $0 + correct($1) }))
        let actual = classes.map { Double(self.actual($0)) }
        let predicted = classes.map { Double(self.predicted($0)) }
        let covariance = right * n - zip(actual, predicted).reduce(0) { $0 + $1.0 * $1.1 }
        let spread =
            (n * n - predicted.reduce(0) { $0 + $1 * $1 }) * (n * n - actual.reduce(0) { $0 + $1 * $1 })
        return spread > 0 ? covariance / spread.squareRoot() : 0
    }

    private func ratio(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
}

/// The share of places at which two lists of classes are equal; 0 for empty lists.
public func agreement(_ a: [Int], _ b: [Int]) -> Double {
    let count = min(a.count, b.count)
    return count == 0 ? 0 : Double(zip(a, b).count { $0 == $1 }) / Double(count)
}
