import Foundation
import TestSupport
import Testing

@testable import Distillation

/// What is told of the data that rankers are evaluated on.
@Suite("Evaluation of rankers")
struct RankingEvaluationTests {
    @Test("an evaluation says once what its data lack, and nothing of losses")
    func evaluationNotes() throws {
        try withTemporaryDirectory { folder in
            let model = try RankingRuns.teacher(in: folder)
            let lines = ["a", "b", "a", "a", "b"].enumerated().map { place, query in
                #"{"query": "\#(query) film", "document": "a good film", "label": \#(place % 2)}"#
            }
            var request = EvaluateRequest(
                model: model,
                data: try EmbeddingFixture.write(lines, to: folder.appending(path: "pairs.jsonl")))
            (request.teacher, request.cache, request.latencySamples) = (model, Support.cache, 0)
            var warnings: [String] = []
            _ = try EvaluationRun(request).run(onEvent: {
                if case .warning(let text) = $0 { warnings.append(text) }
            })
            #expect(warnings.count { $0.contains("comes again after another") } == 1, "\(warnings)")
            #expect(!warnings.contains { $0.contains("learn") }, "\(warnings)")
        }
    }
}
