import DistillRuntime
import Foundation
import TestSupport
import Testing
import Transformers

@testable import Distillation

/// Runs whose checkpoints are chosen by the documents that they find.
@Suite("Training evaluated by retrieval")
struct RetrievalTrainingTests {
    private func request(
        in folder: URL, _ change: (inout DistillRequest) throws -> Void = { _ in }
    ) throws -> DistillRequest {
        let fixture = try RetrievalFixture.load().model
        let data = folder.appending(path: "data")
        try fixture.write(to: data, split: "dev")
        let teacher = try EmbeddingFixture.teacher(in: folder) {
            var modules = SentenceTransformer(pooling: [.mean], width: $0, normalizes: true)
            modules.prompts = fixture.prompts
            return modules
        }
        var request = try EmbeddingFixture.request(in: folder, teacher: teacher)
        request.retrieval = RetrievalOptions(data)
        request.student.layers = 1
        request.training.numTrainEpochs = 4
        try change(&request)
        return request
    }

    @Test("nDCG chooses the checkpoint, and the report has teacher, student and both together")
    func run() throws {
        let fixture = try RetrievalFixture.load().model
        try withTemporaryDirectory { folder in
            let request = try request(in: folder)
            let report = try DistillationRun(request).run()
            let values = report.epochs.compactMap { $0.validation[.ndcg] }
            #expect(values.count == 4 && report.student.metrics[.ndcg] == values.max())
            let best = try #require(report.epochs.first { $0.validation[.ndcg] == values.max() })
            #expect(report.bestEpoch == best.epoch)
            let retrieval = try #require(report.retrieval)
            #expect(retrieval.results.map(\.name) == ["teacher", "student", "asymmetric"])
            #expect(retrieval["student"]?.metrics["ndcg@10"] == values.max())
            #expect(
                try abs(#require(report.teacher?.metrics[.ndcg]) - #require(fixture.metrics["ndcg@10"]))
                    < 1e-9)
            #expect(report.embedding?.initial?[.ndcg] != nil)
            // The saved directory finds the same documents.
            var search = RetrievalRequest(
                model: request.output,
                data: try #require(request.retrieval).data.appending(path: "qrels/dev.tsv"))
            (search.teacher, search.cache) = (request.teacher, Support.cache)
            let again = try RetrievalRun(search).run()
            for name in ["teacher", "student", "asymmetric"] {
                #expect(again[name]?.metrics == retrieval[name]?.metrics, "\(name)")
            }
            let page = try String(contentsOf: request.output.appending(path: "report.html"), encoding: .utf8)
            #expect(
                page.contains("queries by the student, documents by the teacher") && page.contains("nDCG@10"))
            let card = try String(contentsOf: request.output.appending(path: "README.md"), encoding: .utf8)
            #expect(card.contains("cosine_ndcg@10"))
        }
    }

    @Test("documents may be the teacher's while queries are learned")
    func teachersDocuments() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) { $0.retrieval?.documents = .teacher }
            let report = try DistillationRun(request).run()
            let values = report.epochs.compactMap { $0.validation[.ndcg] }
            #expect(values.count == 4 && report.retrieval?["asymmetric"]?.metrics["ndcg@10"] == values.max())
        }
    }

    @Test("a run that was stopped goes on to the same result")
    func resumed() throws {
        try withTemporaryDirectory { folder in
            var request = try request(in: folder)
            let whole = try DistillationRun(request).run()
            request.output = folder.appending(path: "stopped")
            var evaluations = 0
            #expect(throws: InterruptedError.self) {
                _ = try DistillationRun(request).run(
                    onEvent: { if case .evaluated = $0 { evaluations += 1 } },
                    stopRequest: { evaluations == 2 ? .checkpoint : nil })
            }
            request.checkpoints.resume = .latest
            // Other documents are another run.
            let corpus = try #require(request.retrieval).data.appending(path: "corpus.jsonl")
            let text = try Data(contentsOf: corpus)
            try Data(String(decoding: text, as: UTF8.self).replacing("dull", with: "good").utf8).write(
                to: corpus)
            #expect { _ = try DistillationRun(request).run() } throws: { "\($0)".contains("the documents") }
            try text.write(to: corpus)
            let report = try DistillationRun(request).run()
            #expect(report.epochs.map(\.validation) == whole.epochs.map(\.validation))
            #expect(report.retrieval?.results.map(\.metrics) == whole.retrieval?.results.map(\.metrics))
        }
    }

    /// A setting that does not fit, by what the error names.
    enum Misfit: String, CaseIterable {
        case metric = "--validation-retrieval"
        case documents = "--projection keep"
        case damaged = "qrels"
        case teachers = "--retrieval-documents"

        func apply(to request: inout DistillRequest) throws {
            switch self {
            case .metric: (request.retrieval, request.training.metricForBestModel) = (nil, "ndcg@10")
            case .documents:
                request.retrieval?.documents = .teacher
                (request.student.hiddenSize, request.student.projection) = (16, .drop)
            case .damaged:
                let file = request.retrieval!.data.appending(path: "qrels/dev.tsv")
                try Data("query-id\tcorpus-id\tscore\nq1\tnone\t1\n".utf8).write(to: file)
            case .teachers:
                request.teachers.append(request.teachers[0])
                request.retrieval?.documents = .teacher
            }
        }
    }

    @Test("settings that do not fit are refused by name", arguments: Misfit.allCases)
    func refusals(misfit: Misfit) throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) { try misfit.apply(to: &$0) }
            #expect { _ = try DistillationRun(request).run() } throws: { "\($0)".contains(misfit.rawValue) }
        }
    }

    @Test("settings are read and written")
    func settings() throws {
        try withTemporaryDirectory { folder in
            let request = try request(in: folder) {
                $0.retrieval?.documents = .teacher
                $0.retrieval?.prompts = RetrievalPrompts(query: .text("find: "), document: .named("document"))
                $0.training.metricForBestModel = "ndcg@10"
                $0.data.columns.source = "en"
                $0.data.columns.translationColumns = ["de", "fr"]
            }
            let again = try DistillRequest(request.settings)
            #expect(again.retrieval?.data.path == request.retrieval?.data.path)
            #expect(
                again.retrieval?.prompts == request.retrieval?.prompts
                    && again.retrieval?.documents == .teacher)
            #expect(again.data.columns == request.data.columns)
        }
    }
}
