import Foundation
import TestSupport
import Transformers

@testable import Distillation

/// Tiny cross-encoders and the data that they are trained on: a document is relevant if it has the query's word.
enum RankingRuns {
    static let words = ["wonderful", "dull", "boring", "good", "best", "worst", "film", "story", "year"]

    /// A query's documents: of three others two have its word.
    static func documents(_ index: Int) -> (query: String, documents: [String], labels: [Int]) {
        let word = words[index % words.count]
        let others = [words[(index * 2 + 1) % words.count], words[(index * 4 + 3) % words.count]].map {
            $0 == word ? words[(index + 4) % words.count] : $0
        }
        return (
            "a \(word)",
            [
                "the \(word) \(others[0])", "a \(word)", "the \(others[0])",
                "\(others[1]) of the \(others[0])",
            ],
            [1, 1, 0, 0]
        )
    }

    /// A file of lists with labels.
    static func lists(in folder: URL, _ name: String = "lists.jsonl", from first: Int = 0, count: Int = 18)
        throws -> URL
    {
        let lines = (first..<first + count).map { index in
            let row = documents(index)
            let texts = row.documents.map { "\"\($0)\"" }.joined(separator: ", ")
            return "{\"query\": \"\(row.query)\", \"documents\": [\(texts)], \"labels\": \(row.labels)}"
        }
        return try EmbeddingFixture.write(lines, to: folder.appending(path: name))
    }

    /// A cross-encoder that was trained a little on the lists.
    static func teacher(in folder: URL, _ change: (inout FineTuneRequest) -> Void = { _ in }) throws -> URL {
        var request = FineTuneRequest(
            model: Support.teacher, data: DataRequest(train: try lists(in: folder, "teach.jsonl", count: 36)),
            output: folder.appending(path: "ranker"))
        request.data.validation = try lists(in: folder)
        request.data.problemType = .ranking
        request.ignoreMismatchedSizes = true
        request.training.numTrainEpochs = 3
        request.training.perDeviceTrainBatchSize = 4
        request.training.learningRate = 2e-3
        request.cache = Support.cache
        change(&request)
        _ = try FineTuningRun(request).run()
        return request.output
    }
}
