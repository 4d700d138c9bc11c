import Torch
import Transformers

/// How well a student gives translations the vectors of their texts, as sentence-transformers' `TranslationEvaluator` and
/// `MSEEvaluator` measure it (Reimers and Gurevych, arXiv 2004.09813).
enum TranslationMetrics {
    static let names: [MetricName] = [
        .sourceToTarget, .targetToSource, .translationAccuracy, .translationMSE,
    ]

    /// Products are computed for so many texts at a time.
    private static let block = 1024

    /// In each direction the fraction of texts of which, by the cosine, the nearest of all translations is their own.
    ///
    /// A translation that stands there twice counts wherever it stands: texts of the same tokens have the same vector.
    static func accuracies(_ vectors: Logits, _ pairs: PairScores) throws -> MetricValues {
        let rows = pairs.pairs.filter { $0.count == 2 }
        var values = MetricValues()
        guard !rows.isEmpty else { return values }
        let (sources, targets) = (rows.map(\.lowerBound), rows.map { $0.lowerBound + 1 })
        let (forward, backward) = (
            try accuracy(vectors, sources, targets), try accuracy(vectors, targets, sources)
        )
        values[.sourceToTarget] = forward
        values[.targetToSource] = backward
        values[.translationAccuracy] = (forward + backward) / 2
        return values
    }

    private static func accuracy(_ vectors: Logits, _ from: [Int], _ to: [Int]) throws -> Double {
        // float64, so that equal vectors have equal cosines wherever they stand.
        func directions(_ rows: some Collection<Int>) throws -> Tensor {
            try Tensor(vectors.rows(rows), shape: [rows.count, vectors.classes]).to(.float64).normalized()
        }
        return try withNoGrad {
            let others = try directions(to).transposed()
            var right = 0
            for start in stride(from: 0, to: from.count, by: block) {
                let end = min(start + block, from.count)
                let cosines: [Float] = try directions(from[start..<end]).matmul(others).to(.float32).array()
                for row in start..<end {
                    let own = cosines[(row - start) * to.count..<(row - start + 1) * to.count]
                    let best =
                        own.indices.reduce(own.startIndex) { own[$1] > own[$0] ? $1 : $0 } - own.startIndex
                    if best == row || vectors[to[best]].elementsEqual(vectors[to[row]]) { right += 1 }
                }
            }
            return Double(right) / Double(from.count)
        }
    }

    /// The mean squared difference of the components of a translation's vector from the teacher's of its text, times 100.
    static func error(student: Logits, teacher: Logits, _ pairs: PairScores) -> Double {
        let rows = pairs.pairs.filter { $0.count == 2 }.map { $0.lowerBound + 1 }
        let sum = rows.reduce(0.0) { $0 + VectorMetrics.squaredDifference(student[$1], teacher[$1]) }
        return 100 * sum / Double(max(1, rows.count))
    }
}
