import Datasets
import Foundation
import JSON
import TestSupport
import Testing
import Transformers

@testable import Distillation

/// Searches held to sentence-transformers' `InformationRetrievalEvaluator`.
@Suite("Retrieval as sentence-transformers measures it")
struct RetrievalTests {
    @Test("rankings with many equal scores have the same measures", arguments: 0..<5)
    func searches(number: Int) throws {
        let search = try RetrievalFixture.load().searches[number]
        let evaluated = search.evaluated
        let queries = Logits(
            values: evaluated.flatMap { search.queries[$0.query] }, classes: search.queries[0].count)
        let documents = Logits(
            values: search.documents.flatMap(\.self), classes: search.documents[0].count)
        let found = try #require(
            try RetrievalSearch(similarity: .dot).search(
                queries, in: documents, order: RetrievalOrder.places(of: search.ids)))
        let grades = Set(evaluated.flatMap(\.relevance.values))
        let metrics = RetrievalMetrics(found, evaluated, isGraded: grades.count > 1)
        #expect(metrics.byName.keys.sorted() == search.metrics.keys.sorted())
        for (name, value) in search.metrics {
            #expect(try abs(#require(metrics[name]) - value) < 1e-12, "\(name)")
        }
    }

    @Test("more documents than a block, and more queries, give the order of a full sort")
    func blocks() throws {
        var generator = TestSupport.SeededGenerator(seed: 3)
        func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float(generator.next() % 5) - 2 } }
        let (queryCount, documentCount) = (
            RetrievalSearch.queriesPerBlock + 3, RetrievalSearch.documentsPerBlock + 90
        )
        let queries = Logits(values: numbers(queryCount * 3), classes: 3)
        let documents = Logits(values: numbers(documentCount * 3), classes: 3)
        let order = RetrievalOrder.places(of: (0..<documentCount).map { "\($0)" })
        let found = try #require(
            try RetrievalSearch(similarity: .dot, depth: 20).search(queries, in: documents, order: order))
        for query in [0, 7, queryCount - 1] {
            let scores = (0..<documentCount).map { document in
                zip(queries[query], documents[document]).reduce(Float(0)) { $0 + $1.0 * $1.1 }
            }
            let sorted = (0..<documentCount).sorted { (-scores[$0], order[$0]) < (-scores[$1], order[$1]) }
            #expect(found[query].map { Int($0.document) } == Array(sorted.prefix(20)))
            #expect(found[query].map(\.score) == sorted.prefix(20).map { scores[$0] })
        }
    }

    /// The fixture's model: the tiny encoder with a pooling, and the fixture's prompts.
    private func model(_ fixture: RetrievalFixture.Model, in folder: URL) throws -> URL {
        try EmbeddingFixture.teacher(in: folder, "model") {
            var modules = SentenceTransformer(pooling: [.mean], width: $0, normalizes: true)
            modules.prompts = fixture.prompts
            return modules
        }
    }

    private func request(_ model: URL, _ data: URL) -> RetrievalRequest {
        var request = RetrievalRequest(model: model, data: data)
        request.cache = Support.cache
        return request
    }

    @Test("a model's measures on a directory in BEIR's form, by its own prompts")
    func beir() throws {
        let fixture = try RetrievalFixture.load().model
        try withTemporaryDirectory { folder in
            let (model, data) = (try model(fixture, in: folder), folder.appending(path: "data"))
            try fixture.write(to: data)
            let report = try RetrievalRun(request(model, data)).run()
            #expect(report.queries == 12 && report.documents == 41 && report.results.map(\.name) == ["model"])
            #expect(report.queryPrompt == fixture.prompts["query"])
            let metrics = try #require(report["model"]).metrics
            #expect(metrics.byName.keys.sorted() == fixture.metrics.keys.sorted())
            for (name, value) in fixture.metrics {
                #expect(try abs(#require(metrics[name]) - value) < 1e-9, "\(name)")
            }
            // Without prompts the vectors are others.
            var plain = request(model, data)
            plain.prompts = RetrievalPrompts(query: .text(""), document: .text(""))
            #expect(try RetrievalRun(plain).run()["model"]?.metrics != metrics)
            // And by their names the same again.
            plain.prompts = RetrievalPrompts(query: .named("query"), document: .named("document"))
            #expect(try RetrievalRun(plain).run()["model"]?.metrics == metrics)
            plain.prompts.query = .named("question")
            #expect { try RetrievalRun(plain).run() } throws: { "\($0)".contains("question") }
            let text = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
            #expect(text.contains("\"ndcg@10\""))
            #expect(try JSONDecoder().decode(RetrievalReport.self, from: Data(text.utf8)) == report)
        }
    }

    @Test("queries by a student and documents by its teacher; the teacher's vectors are kept")
    func asymmetric() throws {
        let fixture = try RetrievalFixture.load().model
        try withTemporaryDirectory { folder in
            let (teacher, data) = (try model(fixture, in: folder), folder.appending(path: "data"))
            try fixture.write(to: data)
            let student = try EmbeddingFixture.teacher(in: folder, "student") {
                SentenceTransformer(pooling: [.max], width: $0, normalizes: true)
            }
            var request = request(student, data)
            request.teacher = teacher
            request.cache.directory = folder.appending(path: "cache", directoryHint: .isDirectory)
            let report = try RetrievalRun(request).run()
            #expect(report.results.map(\.name) == ["teacher", "student", "asymmetric"])
            #expect(
                report["teacher"]?.metrics["ndcg@10"].map { abs($0 - fixture.metrics["ndcg@10"]!) < 1e-9 }
                    == true)
            #expect(report["asymmetric"]?.documentsBy == teacher.path)
            #expect(report["asymmetric"]?.metrics != report["student"]?.metrics)
            request.teacher = nil
            request.documentsBy = teacher
            let mixed = try RetrievalRun(request).run()
            #expect(mixed.results.map(\.name) == ["asymmetric"])
            #expect(mixed["asymmetric"]?.metrics == report["asymmetric"]?.metrics)
            let kept = CacheContents(request.cache.root).entries().filter { $0.kind == .teacherOutputs }
            // 12 queries and 40 different documents of each; of a model all texts.
            #expect(kept.count == 2 && kept.allSatisfy { $0.description.contains("52 outputs") }, "\(kept)")
            // Vectors of another width have no angle with them.
            request.documentsBy = try EmbeddingFixture.teacher(in: folder, "narrow") {
                SentenceTransformer(pooling: [.mean], width: $0, normalizes: true).resized(
                    width: $0, outputs: 12)
            }
            #expect { try RetrievalRun(request).run() } throws: { "\($0)".contains("12") }
        }
    }

    @Test("JSON lines are the same data set in another form")
    func lines() throws {
        let fixture = try RetrievalFixture.load().model
        try withTemporaryDirectory { folder in
            let model = try model(fixture, in: folder)
            func text(_ name: String) -> String {
                let document = fixture.corpus[name]!
                return (document.title + " " + document.text).trimmingCharacters(in: .whitespaces)
            }
            // d40 has the text of d7, and is no document of its own here.
            let queries = fixture.queries.sorted { $0.key < $1.key }
            let lines = queries.enumerated().map { place, query in
                JSONValue.object([
                    "query": .string(query.value),
                    "positives": .array(
                        (fixture.relevance[query.key] ?? [:]).keys.sorted().map { .string(text($0)) }),
                    "negatives": .array(
                        place > 0
                            ? []
                            : fixture.corpus.keys.sorted().filter { name in
                                !(fixture.relevance[query.key] ?? [:]).keys.contains {
                                    text($0) == text(name)
                                }
                            }.map { .string(text($0)) }),
                ]).serialized()
            }
            let file = try EmbeddingFixture.write(lines, to: folder.appending(path: "pairs.jsonl"))
            let report = try RetrievalRun(request(model, file)).run()
            #expect(report.documents == 40 && report.queries == 12)
            // The same directory without d40, evaluated by d7.
            let data = folder.appending(path: "data")
            try fixture.write(to: data)
            var corpus = try String(contentsOf: data.appending(path: "corpus.jsonl"), encoding: .utf8)
                .split(separator: "\n").map(String.init)
            corpus.removeAll { $0.contains(#""d40""#) }
            _ = try EmbeddingFixture.write(corpus, to: data.appending(path: "corpus.jsonl"))
            let judgments = data.appending(path: "qrels/test.tsv")
            let rows = try String(contentsOf: judgments, encoding: .utf8).split(separator: "\n").map {
                String($0).replacing("\td40\t", with: "\td7\t")
            }
            var seen: Set<String> = []
            _ = try EmbeddingFixture.write(rows.filter { seen.insert($0).inserted }, to: judgments)
            let other = try RetrievalRun(request(model, data)).run()
            #expect(report["model"]?.metrics["ndcg@10"] == other["model"]?.metrics["ndcg@10"])
            #expect(report["model"]?.metrics["map@100"] == other["model"]?.metrics["map@100"])
        }
    }

    @Test("a classifier has no vectors to search by")
    func classifier() throws {
        try withTemporaryDirectory { folder in
            try RetrievalFixture.load().model.write(to: folder)
            #expect { try RetrievalRun(request(Support.teacher, folder)).run() } throws: {
                "\($0)".contains("sentence-transformers directory")
            }
        }
    }
}
