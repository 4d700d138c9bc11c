import Transformers

/// Measures of texts' vectors.
enum VectorMetrics {
    /// The cosine of the angle between two vectors; 0 where one of them is zero.
    static func cosine(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
        var (product, own, other) = (0.0, 0.0, 0.0)
        for (x, y) in zip(a, b) {
            product += Double(x) * Double(y)
            own += Double(x) * Double(x)
            other += Double(y) * Double(y)
        }
        let lengths = (own * other).squareRoot()
        return lengths > 0 ? product / lengths : 0
    }

    /// The cosines of the two texts of each row that has two, and the scores of these rows.
    static func similarities(_ vectors: Logits, _ scores: PairScores) -> (cosines: [Double], scores: [Double])
    {
        let pairs = scores.pairs.filter { $0.count == 2 }
        return (
            pairs.map { cosine(vectors[$0.lowerBound], vectors[$0.lowerBound + 1]) },
            pairs.map { Double(scores.values[$0.lowerBound]) }
        )
    }

    /// The mean cosine of a student's vectors with its teacher's, and the mean squared difference of their components.
    static func teacherMetrics(student: Logits, teacher: Logits) -> MetricValues {
        var values = MetricValues()
        let count = Double(max(1, student.count))
        values[.agreement] =
            (0..<student.count).reduce(0) { $0 + cosine(student[$1], teacher[$1]) } / count
        values[.teacherMSE] =
            (0..<student.count).reduce(0) { $0 + squaredDifference(student[$1], teacher[$1]) } / count
        return values
    }

    /// The mean over the components of the squared difference of two vectors.
    static func squaredDifference(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
        zip(a, b).reduce(0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) } / Double(max(1, a.count))
    }
}
