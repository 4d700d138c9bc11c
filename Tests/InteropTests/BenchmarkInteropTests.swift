import Deployment
import Foundation
import Testing

@testable import Benchmarking
@testable import Distillation

@Suite("ONNX Runtime is measured beside us", .enabled(if: OnnxRuntime.isThere, "run `make test`"))
struct BenchmarkInteropTests {
    @Test("the same model gives the same answers, through both workers")
    func onnx() throws {
        let directory = try TemporaryDirectory()
        let output = directory.url.appending(path: "onnx")
        let export = try Python.run([
            Fixtures.folder.appending(path: "onnx_export.py").path, Fixtures.teacher.path, output.path,
        ])
        try #require(export.status == 0, "\(export.output)")
        let bundle = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        var request = BenchmarkRequest(
            models: [Fixtures.teacher, output, output.appending(path: "model.onnx")],
            worker: .init(executable: bundle.appending(path: "distill"), arguments: ["benchmark-worker"]))
        request.environment["DISTILL_PYTHON"] = Python.executable.path
        (request.batchSizes, request.lengths, request.rounds, request.seconds) = ([2], [7], 2, 0.02)
        request.threads = 1
        request.data = Fixtures.reviews
        let report = try BenchmarkRun(request).run()
        #expect(report.models.map(\.name) == ["tiny-teacher", "onnx", "model.onnx (2)"])
        for model in report.models.dropFirst() {
            #expect(model.runtime.hasPrefix("ONNX Runtime") && model.agreement == 1)
            #expect(model.metrics?[.accuracy] == report.models[0].metrics?[.accuracy])
            let losses = [report.models[0], model].compactMap { $0.metrics?[.loss] }
            try #require(losses.count == 2)
            #expect(abs(losses[0] - losses[1]) < 1e-5)
            #expect(model.peakMemoryBytes > 10_000_000 && model.weightBytes > 169_000)
        }
        #expect(report.cells[0].results.allSatisfy { $0.timing.p50Milliseconds > 0 })
        #expect(report.bulk?.results.count == 3)
        // A file that is no model ends the run with what ONNX Runtime says of it.
        try Data("nonsense".utf8).write(to: output.appending(path: "model.onnx"))
        let error = #expect(throws: DistillationError.self) { try BenchmarkRun(request).run() }
        #expect(error?.description.hasPrefix("ONNX Runtime: ") == true)
    }

    @Test("token classifiers are evaluated word by word, through both workers")
    func taggers() throws {
        let directory = try TemporaryDirectory()
        let (model, data) = try TokenInteropTests.tagger(in: directory.url)
        let exported = directory.url.appending(path: "onnx")
        _ = try ExportRun(ExportRequest(model: model, output: exported)).run()
        let bundle = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        var request = BenchmarkRequest(
            models: [model, exported],
            worker: .init(executable: bundle.appending(path: "distill"), arguments: ["benchmark-worker"]))
        request.environment["DISTILL_PYTHON"] = Python.executable.path
        (request.batchSizes, request.lengths, request.rounds, request.seconds) = ([2], [7], 2, 0.02)
        request.threads = 1
        request.data = data
        let report = try BenchmarkRun(request).run()
        var evaluation = EvaluateRequest(model: model, data: data)
        evaluation.cache.directory = directory.url.appending(path: "cache")
        let alone = try EvaluationRun(evaluation).run().model.metrics
        #expect(report.models.count == 2)
        #expect((alone[.f1] ?? 0) > 0.2, "\(alone)")
        for measured in report.models {
            #expect(measured.metrics?[.f1] == alone[.f1])
            let losses = [alone, measured.metrics].compactMap { $0?[.loss] }
            try #require(losses.count == 2)
            #expect(abs(losses[0] - losses[1]) < 1e-5)
        }
        #expect(report.models[1].agreement == 1 && report.bulk?.results.count == 2)
    }
}

enum OnnxRuntime {
    /// Whether the interop suite's Python can export to ONNX and run it.
    static let isThere: Bool = {
        guard Python.isThere else { return false }
        return (try? Python.run(["-c", "import onnxruntime, onnx, onnxscript"]).status) == 0
    }()
}
