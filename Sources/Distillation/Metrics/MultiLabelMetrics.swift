/// The metrics of predicted sets of classes against the true ones, as scikit-learn defines them for multi-label indicators.
public struct MultiLabelMetrics: Sendable, Equatable {
    /// Of each class: examples that have it and were given it.
    public let truePositives: [Int]
    /// Of each class: examples that were given it.
    public let predicted: [Int]
    /// Of each class: examples that have it.
    public let actual: [Int]
    /// The fraction of examples whose set is exactly right: scikit-learn's `accuracy_score`.
    public let subsetAccuracy: Double

    /// - Parameters:
    ///   - predictions: A set of classes for each example.
    ///   - labels: As many true sets.
    ///   - classCount: The number of classes; others do not count.
    public init(predictions: [[Int]], labels: [[Int]], classCount: Int) {
        var counts = [[Int]](repeating: [0, 0, 0], count: classCount)
        let classes = 0..<classCount
        var exact = 0
        for (prediction, label) in zip(predictions, labels) {
            let (given, wanted) = (
                Set(prediction.filter(classes.contains)), Set(label.filter(classes.contains))
            )
            for label in given.intersection(wanted) { counts[label][0] += 1 }
            for label in given { counts[label][1] += 1 }
            for label in wanted { counts[label][2] += 1 }
            if given == wanted { exact += 1 }
        }
        truePositives = counts.map { $0[0] }
        predicted = counts.map { $0[1] }
        actual = counts.map { $0[2] }
        let total = min(predictions.count, labels.count)
        subsetAccuracy = total == 0 ? 0 : Double(exact) / Double(total)
    }

    /// Of each class: the harmonic mean of precision and recall; 0 where it neither occurs nor is predicted.
    public var f1: [Double] {
        truePositives.indices.map { Self.f1(truePositives[$0], predicted[$0] + actual[$0]) }
    }

    /// The mean of all classes' F1.
    public var macroF1: Double { f1.isEmpty ? 0 : f1.reduce(0, +) / Double(f1.count) }

    /// F1 of all decisions taken together.
    public var microF1: Double {
        Self.f1(truePositives.reduce(0, +), predicted.reduce(0, +) + actual.reduce(0, +))
    }

    private static func f1(_ hits: Int, _ both: Int) -> Double {
        both == 0 ? 0 : 2 * Double(hits) / Double(both)
    }
}
