import Datasets
import Foundation
import JSON
import Transformers

@testable import Distillation

/// What `scripts/fixtures/retrieval.py` wrote: searches and their measures by sentence-transformers.
struct RetrievalFixture: Decodable {
    struct Search: Decodable, Sendable {
        let queries: [[Float]]
        let documents: [[Float]]
        let ids: [String]
        /// By the number of the query, the grades of documents by their names.
        let relevance: [String: [String: Double]]
        let metrics: [String: Double]

        var evaluated: [RetrievalSet.EvaluatedQuery] {
            let places = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, $0) })
            return queries.indices.compactMap { query in
                let found = (relevance["\(query)"] ?? [:]).filter { $0.value > 0 }
                guard !found.isEmpty else { return nil }
                return .init(
                    query: query,
                    relevance: Dictionary(uniqueKeysWithValues: found.map { (places[$0] ?? -1, $1) }))
            }
        }
    }

    struct Model: Decodable {
        struct Document: Decodable {
            let title: String
            let text: String
        }

        let prompts: [String: String]
        let queries: [String: String]
        let corpus: [String: Document]
        let relevance: [String: [String: Double]]
        let metrics: [String: Double]
    }

    struct Translations: Decodable {
        let sources: [String]
        let targets: [String]
        let metrics: [String: Double]
    }

    let searches: [Search]
    let model: Model
    let translations: Translations

    static func load() throws -> RetrievalFixture {
        let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/retrieval.json")
        return try JSONDecoder().decode(RetrievalFixture.self, from: Data(contentsOf: file))
    }
}

extension RetrievalFixture.Model {
    /// Writes the directory in BEIR's form.
    func write(to folder: URL, split: String = "test") throws {
        let qrels = folder.appending(path: "qrels")
        try FileManager.default.createDirectory(at: qrels, withIntermediateDirectories: true)
        func line(_ members: [(String, JSONValue)]) -> String {
            JSONValue.object(.init(members)).serialized()
        }
        let documents = corpus.sorted { $0.key < $1.key }.map {
            line([("_id", .string($0)), ("title", .string($1.title)), ("text", .string($1.text))])
        }
        let texts = queries.sorted { $0.key < $1.key }.map {
            line([("_id", .string($0)), ("text", .string($1))])
        }
        let rows = relevance.sorted { $0.key < $1.key }.flatMap { query, found in
            found.sorted { $0.key < $1.key }.map { "\(query)\t\($0)\t\(Int($1))" }
        }
        _ = try EmbeddingFixture.write(documents, to: folder.appending(path: "corpus.jsonl"))
        _ = try EmbeddingFixture.write(texts, to: folder.appending(path: "queries.jsonl"))
        _ = try EmbeddingFixture.write(
            ["query-id\tcorpus-id\tscore"] + rows, to: qrels.appending(path: "\(split).tsv"))
    }
}
