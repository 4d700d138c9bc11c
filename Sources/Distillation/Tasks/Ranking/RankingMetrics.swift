import Foundation
import Transformers

/// Measures of the order in which scores put each query's documents.
enum RankingMetrics {
    static let names: [MetricName] = [.ndcg, .mrr, .map, .spearman, .pearson]
    /// The places that nDCG and MRR look at.
    static let cutoff = 10

    /// All metrics of some rows that have labels.
    ///
    /// nDCG, MRR and MAP are means over the queries that have a document with a label above 0 and another one; correlations are of all
    /// documents' scores with their labels.
    ///
    /// - Parameter scores: Of each row; those of queries are not read.
    static func values(_ scores: [Double], _ targets: GroupTargets) -> MetricValues {
        var (gains, reciprocals, precisions) = ([Double](), [Double](), [Double]())
        for rows in targets.documents where rows.count > 1 {
            let own = Array(scores[rows])
            let labels = targets.labels[rows].map(Double.init)
            guard labels.contains(where: { $0 > 0 }) else { continue }
            gains.append(ndcg(own, labels))
            reciprocals.append(reciprocalRank(own, labels))
            precisions.append(averagePrecision(own, labels))
        }
        var values = MetricValues()
        if !gains.isEmpty {
            let count = Double(gains.count)
            values[.ndcg] = gains.reduce(0, +) / count
            values[.mrr] = reciprocals.reduce(0, +) / count
            values[.map] = precisions.reduce(0, +) / count
        }
        let rows = targets.documents.flatMap { Array($0) }
        guard rows.count > 1 else { return values }
        let metrics = RegressionMetrics(
            predictions: rows.map { scores[$0] }, labels: rows.map { Double(targets.labels[$0]) })
        values[.spearman] = metrics.spearman
        values[.pearson] = metrics.pearson
        return values
    }

    /// The normalized discounted cumulative gain of the first ten, as scikit-learn's `ndcg_score`: a label is its gain, those below 0
    /// count as 0, and documents with equal scores share their places.
    static func ndcg(_ scores: [Double], _ labels: [Double]) -> Double {
        let gains = labels.map { max(0, $0) }
        let best = dcg(gains, gains)
        return best > 0 ? dcg(scores, gains) / best : 0
    }

    private static func dcg(_ scores: [Double], _ gains: [Double]) -> Double {
        var (sum, place) = (0.0, 0)
        for tie in ties(scores) where place < cutoff {
            let gain = tie.reduce(0.0) { $0 + gains[$1] } / Double(tie.count)
            let end = min(cutoff, place + tie.count)
            sum += gain * (place..<end).reduce(0.0) { $0 + 1 / log2(Double($1 + 2)) }
            place += tie.count
        }
        return sum
    }

    /// 1 / the place of the first relevant document, 0 behind the tenth; of equal scores the relevant documents come last.
    static func reciprocalRank(_ scores: [Double], _ labels: [Double]) -> Double {
        var place = 0
        for tie in ties(scores) {
            let relevant = tie.count { labels[$0] > 0 }
            if relevant > 0 {
                let first = place + tie.count - relevant + 1
                return first <= cutoff ? 1 / Double(first) : 0
            }
            place += tie.count
        }
        return 0
    }

    /// The mean over the relevant documents of the precision at their place, as scikit-learn's `average_precision_score`: equal scores
    /// are one place.
    static func averagePrecision(_ scores: [Double], _ labels: [Double]) -> Double {
        let total = labels.count { $0 > 0 }
        guard total > 0 else { return 0 }
        var (place, found, sum) = (0, 0, 0.0)
        for tie in ties(scores) {
            let relevant = tie.count { labels[$0] > 0 }
            place += tie.count
            found += relevant
            sum += Double(relevant) * Double(found) / Double(place)
        }
        return sum / Double(total)
    }

    /// The documents by falling score, those of one score together.
    private static func ties(_ scores: [Double]) -> [[Int]] {
        var ties: [[Int]] = []
        for index in scores.indices.sorted(by: { (scores[$1], $0) < (scores[$0], $1) }) {
            if let last = ties.last?.first, scores[last] == scores[index] {
                ties[ties.count - 1].append(index)
            } else {
                ties.append([index])
            }
        }
        return ties
    }
}
