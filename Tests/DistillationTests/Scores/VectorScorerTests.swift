import Datasets
import DistillRuntime
import Foundation
import TestSupport
import Testing
import Transformers

@testable import Distillation

@Suite("A model for embeddings labels texts")
struct VectorScorerTests {
    private static let labels = ["wonderful", "boring", "of the year"]

    private func teacher(in folder: URL) throws -> URL {
        try EmbeddingFixture.teacher(in: folder) { width in
            var modules = SentenceTransformer(pooling: [.mean], width: width, normalizes: false)
            (modules.prompts, modules.defaultPrompt) = (["film": "the film "], "film")
            return modules
        }
    }

    private func request(_ teacher: URL, in folder: URL, scale: Double? = nil) throws -> LabelRequest {
        var request = LabelRequest(teacher: teacher, data: try EmbeddingFixture.plain(in: folder))
        request.zeroShot = try ZeroShotOptions(labels: Self.labels, template: "a {} film", scale: scale)
        request.output = folder.appending(path: "scores.jsonl")
        request.precision = .float32
        request.cache.directory = folder.appending(path: "cache")
        return request
    }

    private func rows(_ file: URL) throws -> [(text: String, logits: [Double])] {
        let stream = try ScoreStream(file)
        var rows: [(text: String, logits: [Double])] = []
        while let row = try stream.next() {
            guard case .named(let entries) = row.values else { throw DistillationError("no names") }
            #expect(entries.map(\.name) == Self.labels)
            rows.append((row.text ?? "", entries.map(\.value)))
        }
        return rows
    }

    @Test(
        "a label's logit is the scaled cosine of both vectors, prompts among them", arguments: [nil, 5.0])
    func cosines(_ scale: Double?) throws {
        try withTemporaryDirectory { folder in
            let teacher = try teacher(in: folder)
            let request = try request(teacher, in: folder, scale: scale)
            let report = try LabelRun(request).run()
            #expect(report.examples == 24 && report.output == request.output?.path)
            let embedder = try TextEmbedder(teacher.path)
            let labels = try embedder.embed(Self.labels.map { "a \($0) film" })
            let rows = try rows(try #require(request.output))
            #expect(rows.count == 24)
            for row in rows {
                let vector = try embedder.embed([row.text])[0]
                for (label, logit) in zip(labels, row.logits) {
                    let cosine = VectorMetrics.cosine(vector[...], label[...])
                    #expect(abs(logit - (scale ?? 20) * cosine) < 1e-4)
                }
            }
            // The vectors are kept: other labels cost theirs alone.
            var again = request
            again.zeroShot = try ZeroShotOptions(labels: ["good", "dull"], template: "a {} film")
            again.overwrite = true
            #expect(try LabelRun(again).run().computed == 0)
        }
    }

    @Test("the outputs are those of a run, the default prompt among them")
    func ahead() throws {
        try withTemporaryDirectory { folder in
            let teacher = try teacher(in: folder)
            var run = try EmbeddingFixture.request(in: folder, teacher: teacher)
            run.cache.directory = folder.appending(path: "cache")
            run.precision = .float32
            (run.training.maxSteps, run.student.layers) = (1, 1)
            _ = try DistillationRun(run).run()
            var label = LabelRequest(teacher: teacher, data: run.data.train)
            (label.cache, label.precision) = (run.cache, .float32)
            #expect(try LabelRun(label).run().computed == 0)
        }
    }

    @Test("labels stay whole where texts are cut, and cut texts are counted")
    func cut() throws {
        try withTemporaryDirectory { folder in
            var request = try request(try teacher(in: folder), in: folder)
            let whole = try LabelRun(request).run()
            let labels = try rows(try #require(request.output)).map(\.logits)
            (request.maxLength, request.overwrite) = (4, true)
            var warnings: [String] = []
            let report = try LabelRun(request).run(onEvent: {
                if case .warning(let text) = $0 { warnings.append(text) }
            })
            let cut = try rows(try #require(request.output)).map(\.logits)
            #expect(whole.examples == report.examples && labels != cut)
            // The labels differ within the few tokens, and in what comes behind them.
            for row in cut { #expect(Set(row).count == Self.labels.count, "\(row)") }
            #expect(
                warnings.contains { $0.contains("24 of 24 texts are longer than 4 tokens") }, "\(warnings)")
        }
    }

    @Test("what does not fit such a model is refused")
    func refusals() throws {
        try withTemporaryDirectory { folder in
            let teacher = try teacher(in: folder)
            var request = try request(teacher, in: folder)
            request.zeroShot = try ZeroShotOptions(labels: Self.labels, isMultiLabel: true)
            let error = #expect(throws: DistillationError.self) { _ = try LabelRun(request).run() }
            #expect(error?.description.contains("leave --multi-label out") == true)
            #expect(!FileManager.default.fileExists(atPath: try #require(request.output).path))
            let long = String(repeating: "very ", count: 600) + "long"
            request.zeroShot = try ZeroShotOptions(labels: [long, "short"])
            let tooLong = #expect(throws: DistillationError.self) { _ = try LabelRun(request).run() }
            #expect(tooLong?.description.contains("shorten the label") == true)
            for scale in [0, -1, .nan, .infinity, 1e300, 1e-300] as [Double] {
                let error = #expect(throws: DistillationError.self) {
                    try ZeroShotOptions(labels: ["a", "b"], scale: scale)
                }
                #expect(error?.description.contains("scale must be a number from 0.001 to 100000") == true)
            }
        }
    }
}
