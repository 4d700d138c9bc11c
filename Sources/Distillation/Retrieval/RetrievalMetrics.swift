import Datasets
import Foundation

/// The measures of a search, as sentence-transformers' `InformationRetrievalEvaluator` computes them: means over the queries.
///
/// A document is relevant where its relevance is above 0. `graded_ndcg@10` is there where some are more relevant than others: its gain is
/// the relevance itself, as in trec_eval.
public struct RetrievalMetrics: Sendable, Equatable {
    /// The values by their names, such as `ndcg@10`.
    public private(set) var byName: [String: Double] = [:]

    /// The documents of a query that are looked at.
    static let depth = 100
    private static let cutoffs = [1, 3, 5, 10]
    private static let recallCutoffs = [1, 3, 5, 10, 100]

    /// The names in the order of tables.
    public static let names =
        ["ndcg@10", "graded_ndcg@10", "mrr@10", "map@100"] + recallCutoffs.map { "recall@\($0)" }
        + cutoffs.map { "precision@\($0)" } + cutoffs.map { "accuracy@\($0)" }

    public subscript(name: String) -> Double? { byName[name] }

    /// - Parameters:
    ///   - rankings: The documents that were found for each query, the best first.
    ///   - evaluated: The same queries with what is relevant to them.
    ///   - isGraded: True if some documents are more relevant than others.
    init(_ rankings: [[RankedDocument]], _ evaluated: [RetrievalSet.EvaluatedQuery], isGraded: Bool) {
        var sums: [String: Double] = [:]
        for (ranking, query) in zip(rankings, evaluated) {
            let gains = ranking.map { query.relevance[Int($0.document)] ?? 0 }
            for (name, value) in Self.values(gains, query, isGraded: isGraded) {
                sums[name, default: 0] += value
            }
        }
        byName = sums.mapValues { $0 / Double(max(1, evaluated.count)) }
    }

    /// The measures of one query.
    ///
    /// - Parameter gains: The relevance of what was found, the best first.
    private static func values(
        _ gains: [Double], _ query: RetrievalSet.EvaluatedQuery, isGraded: Bool
    ) -> [(String, Double)] {
        let isRelevant = gains.map { $0 > 0 }
        let count = query.relevance.count
        func hits(_ cutoff: Int) -> Int { isRelevant.prefix(cutoff).count(where: \.self) }
        var values: [(String, Double)] = []
        values.append(
            (
                "ndcg@10",
                discounted(isRelevant.map { $0 ? 1 : 0 }) / discounted([Double](repeating: 1, count: count))
            ))
        if isGraded {
            let ideal = query.relevance.values.sorted(by: >)
            values.append(("graded_ndcg@10", discounted(gains) / discounted(ideal)))
        }
        let first = isRelevant.prefix(10).firstIndex(of: true)
        values.append(("mrr@10", first.map { 1 / Double($0 + 1) } ?? 0))
        values.append(("map@100", averagePrecision(isRelevant, relevant: count)))
        for cutoff in recallCutoffs {
            values.append(("recall@\(cutoff)", Double(hits(cutoff)) / Double(count)))
        }
        for cutoff in cutoffs {
            values.append(("precision@\(cutoff)", Double(hits(cutoff)) / Double(cutoff)))
            values.append(("accuracy@\(cutoff)", hits(cutoff) > 0 ? 1 : 0))
        }
        return values
    }

    /// The sum of the first ten gains, each divided by the binary logarithm of its place and one.
    private static func discounted(_ gains: [Double]) -> Double {
        gains.prefix(10).enumerated().reduce(0) { $0 + $1.element / log2(Double($1.offset + 2)) }
    }

    private static func averagePrecision(_ isRelevant: [Bool], relevant: Int) -> Double {
        var (found, sum) = (0, 0.0)
        for (place, isHit) in isRelevant.prefix(depth).enumerated() where isHit {
            found += 1
            sum += Double(found) / Double(place + 1)
        }
        return sum / Double(min(depth, relevant))
    }
}

extension RetrievalMetrics: Codable {
    public init(from decoder: any Decoder) throws {
        byName = try decoder.singleValueContainer().decode([String: Double].self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(byName)
    }
}
