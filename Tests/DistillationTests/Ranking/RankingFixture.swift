import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

/// What `scripts/fixtures/ranking_losses.py` wrote: sentence-transformers' losses on a query's documents, and metrics of their order.
struct RankingFixture: Decodable, Sendable {
    struct Loss: Decodable, Sendable, CustomTestStringConvertible {
        let objective: String
        let embedding: Bool
        let counts: [Int]
        let student: [[Float]]
        let teacher: [Float]?
        let teacherVectors: [[Float]]?
        let labels: [Float]
        let value: Double
        let gradient: [[Double]]

        var testDescription: String {
            "\(objective), \(embedding ? "vectors" : "scores") of \(counts) documents"
        }

        var targets: GroupTargets {
            RankingFixture.targets(counts, hasQueries: embedding, labels: labels, scores: teacher)
        }
    }

    struct Metrics: Decodable, Sendable {
        struct Query: Decodable, Sendable {
            let scores: [Double]
            let labels: [Float]
        }

        let queries: [Query]
        let ndcg: Double
        let mrr: Double
        let map: Double
    }

    let losses: [Loss]
    let metrics: [Metrics]

    static let shared: RankingFixture = {
        do {
            let data = try Data(contentsOf: Support.fixtures.appending(path: "ranking.json"))
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(RankingFixture.self, from: data)
        } catch {
            fatalError("ranking.json: \(error)")
        }
    }()

    /// The objectives on a query's documents.
    static let names: Set<String> = Set(
        shared.losses.compactMap { try? ObjectiveSpecification(text: $0.objective).name })

    /// Targets of queries with so many documents each.
    static func targets(
        _ counts: [Int], hasQueries: Bool, labels: [Float]? = nil, scores: [Float]? = nil
    ) -> GroupTargets {
        let sizes = counts.map { $0 + (hasQueries ? 1 : 0) }
        let groups = sizes.enumerated().flatMap { [UInt32](repeating: UInt32($0), count: $1) }
        var queries: Set<Int> = []
        if hasQueries { queries = Set(sizes.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }) }
        func masked(_ values: [Float]?) -> [Float] {
            groups.indices.map { queries.contains($0) ? .nan : values?[$0] ?? .nan }
        }
        return GroupTargets(
            labels: masked(labels), scores: masked(scores), groups: groups, hasQueries: hasQueries)
    }

    /// The models of a loss on scores of pairs, or on vectors.
    static func models(embedding: Bool, teacherScores: Bool = true, hasLists: Bool = true) throws
        -> ObjectiveModels
    {
        let configuration = try Support.configuration()
        return ObjectiveModels(
            student: configuration, teacher: configuration, tokensDiffer: nil,
            problemType: embedding ? .embedding : .ranking, classCounts: [], batchSize: 4, exampleCount: 16,
            learned: .init(store: .init(), source: nil, seed: 1), teacherStates: .float32,
            hasTeacherLogits: true,
            teacherWidth: 1,
            groups: .init(areThere: true, hasLists: hasLists, teacherScoresPairs: embedding && teacherScores))
    }
}
