import Files
import Foundation
import Testing
import Transformers

@testable import Distillation
@testable import Quantization

/// From a model directory to a quantized one.
@Suite("Quantization of a directory")
struct QuantizationRunTests {
    let scratch = FileManager.default.temporaryDirectory.appending(path: "quantize-\(UUID().uuidString)")

    private func request(_ change: (inout QuantizeRequest) -> Void = { _ in }) -> QuantizeRequest {
        var request = QuantizeRequest(model: Support.teacher, output: scratch.appending(path: "int8"))
        request.method.smallestMatrix = 256
        request.data = Support.reviews
        request.latencySamples = 5
        request.cache = Support.cache
        change(&request)
        return request
    }

    private func withScratch(_ body: () throws -> Void) throws {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: scratch) }
        try body()
        // Nothing half-written stays.
        let left = try FileManager.default.contentsOfDirectory(atPath: scratch.path)
        #expect(left.allSatisfy { !$0.hasPrefix(".") })
    }

    private func message(_ body: () throws -> Void) -> String {
        do {
            try body()
            return "nothing was thrown"
        } catch { return "\(error)" }
    }

    @Test("the directory holds a model that says what it is, and its record")
    func output() throws {
        try withScratch {
            let report = try QuantizationRun(request()).run()
            let directory = scratch.appending(path: "int8")
            let names = Set(try FileManager.default.contentsOfDirectory(atPath: directory.path))
            #expect(
                names.isSuperset(of: [
                    "config.json", "model.safetensors", "tokenizer.json", "README.md", "quantization.json",
                ]))
            let text = try String(
                contentsOf: directory.appending(path: "quantization.json"), encoding: .utf8)
            #expect(try JSONText.decode(QuantizationReport.self, from: text) == report)
            #expect(Set(report.files.keys) == names.subtracting(["quantization.json"]))
            #expect(report.after.bytesOnDisk < report.before.bytesOnDisk * 6 / 10)
            #expect(report.layers.allSatisfy(\.isQuantized) && report.layers.count > 20)
            try Learning.expect("int8 run, agreement", report.comparison?.agreement, above: 0.9)
            #expect(report.before.accuracy != nil && report.after.accuracy != nil)
            // Whoever classifies with it gets what was judged.
            var evaluate = EvaluateRequest(model: directory, data: Support.reviews)
            evaluate.latencySamples = 0
            evaluate.cache = Support.cache
            #expect(try EvaluationRun(evaluate).run().model.metrics == report.after.metrics)
        }
    }

    @Test(
        "half the bytes with 16 bits, and a model in float32 when it is read",
        arguments: [QuantizedType.float16, .bfloat16])
    func halves(type: QuantizedType) throws {
        try withScratch {
            let report = try QuantizationRun(request { $0.method.type = type }).run()
            #expect(report.after.bytesOnDisk < report.before.bytesOnDisk * 55 / 100)
            let (model, _) = try AutoModel.load(from: scratch.appending(path: "int8"))
            #expect(!model.parameters.isQuantized && model.configuration.quantization == nil)
            let config = try String(
                contentsOf: scratch.appending(path: "int8/config.json"), encoding: .utf8)
            #expect(config.contains("\"dtype\": \"\(type.rawValue)\""))
        }
    }

    @Test("a trimmed model is smaller, and gives the same answers on the texts that decided")
    func trimming() throws {
        try withScratch {
            let some = scratch.appending(path: "some.csv")
            let lines = try String(contentsOf: Support.reviews, encoding: .utf8).split(separator: "\n")
            try Data(lines.prefix(13).joined(separator: "\n").utf8).write(to: some)
            let report = try QuantizationRun(
                request {
                    $0.vocabularyData = [some]
                    $0.data = some
                }
            ).run()
            let vocabulary = try #require(report.vocabulary)
            #expect(vocabulary.tokensAfter < vocabulary.tokensBefore)
            #expect(vocabulary.unknownRateAfter == vocabulary.unknownRateBefore)
            #expect(vocabulary.evaluationTextsChanged == 0)
            var whole = request {
                $0.data = some
                $0.output = scratch.appending(path: "whole")
            }
            whole.overwrite = true
            let untrimmed = try QuantizationRun(whole).run()
            #expect(report.after.metrics == untrimmed.after.metrics)
            #expect(report.after.bytesOnDisk < untrimmed.after.bytesOnDisk)
        }
    }

    @Test(
        "a file that was changed afterwards is noticed",
        arguments: ["model.safetensors", "tokenizer.json", "config.json"])
    func changed(file: String) throws {
        try withScratch {
            _ = try QuantizationRun(request()).run()
            let url = scratch.appending(path: "int8/\(file)")
            var bytes = try Data(contentsOf: url)
            bytes[bytes.count - 2] ^= 1
            try bytes.write(to: url)
            let problem = message { _ = try LoadedModel(scratch.appending(path: "int8")) }
            #expect(problem.contains(file) || file == "config.json")
            #expect(problem != "nothing was thrown")
            try FileManager.default.removeItem(at: url)
            #expect(message { _ = try LoadedModel(scratch.appending(path: "int8")) }.contains(file))
        }
    }

    @Test("what cannot be is refused with its reason, and leaves nothing")
    func refusals() throws {
        try withScratch {
            _ = try QuantizationRun(request()).run()
            let again = message {
                _ = try QuantizationRun(
                    request {
                        $0.model = scratch.appending(path: "int8")
                        $0.output = scratch.appending(path: "twice")
                    }
                ).run()
            }
            #expect(again.contains("quantized already"))
            #expect(message { _ = try QuantizationRun(request()).run() }.contains("exists"))

            let empty = scratch.appending(path: "empty.csv")
            try Data("text,label\n".utf8).write(to: empty)
            let other = scratch.appending(path: "other.csv")
            try Data("text,label\na fine day,weather\n".utf8).write(to: other)
            for (file, words) in [(empty, "empty.csv"), (other, "weather")] {
                let problem = message {
                    _ = try QuantizationRun(
                        request {
                            $0.output = scratch.appending(path: "new")
                            $0.method.activations = .fixed
                            $0.calibrationData = file
                        }
                    ).run()
                }
                #expect(problem.contains(words))
            }
            var names = Set(try FileManager.default.contentsOfDirectory(atPath: scratch.path))
            names.subtract(["int8", "empty.csv", "other.csv"])
            #expect(names.isEmpty)
            // Options that contradict each other.
            for change: (inout QuantizeRequest) -> Void in [
                { $0.accuracyDrop = -1 },
                {
                    $0.accuracyDrop = 1
                    $0.data = nil
                },
                {
                    $0.method.activations = .fixed
                    $0.data = nil
                }, { $0.method.percentile = 20 },
                {
                    $0.accuracyDrop = 1
                    $0.method.type = .float16
                }, { $0.batchSize = 0 },
                { $0.calibrationExamples = 0 },
            ] {
                #expect(throws: DistillationError.self) { try QuantizationRun(request(change)) }
            }
        }
    }

    @Test("int8 weights are not trained, nor taken as a student's start")
    func training() throws {
        try withScratch {
            _ = try QuantizationRun(request()).run()
            let int8 = scratch.appending(path: "int8")
            var fineTune = FineTuneRequest(
                model: int8, data: DataRequest(train: Support.reviews), output: scratch.appending(path: "a"))
            fineTune.cache = Support.cache
            #expect(message { _ = try FineTuningRun(fineTune).run() }.contains("quantized"))
            var run = DistillRequest(
                teacher: int8, data: DataRequest(train: Support.reviews), output: scratch.appending(path: "b")
            )
            run.cache = Support.cache
            run.student.layers = 2
            run.student.hiddenSize = 32
            run.student.initialization = .teacherLayers
            #expect(message { _ = try DistillationRun(run).run() }.contains("quantized"))
            run.student = StudentOptions()
            run.student.directory = int8
            #expect(message { _ = try DistillationRun(run).run() }.contains("quantized"))
            // As a teacher it serves like any other.
            run.student = StudentOptions()
            run.student.layers = 1
            run.student.hiddenSize = 16
            run.training.maxSteps = 2
            #expect(try DistillationRun(run).run().teacher != nil)
        }
    }

    // Measured over five seeds in both precisions with the kernels of four levels: the agreement 1.0.
    @Test("a student trained with rounding is saved in float32, and quantises with little loss")
    func quantizationAware() throws {
        try withScratch {
            var run = DistillRequest(
                teacher: Support.teacher, data: DataRequest(train: Support.reviews),
                output: scratch.appending(path: "student"))
            run.cache = Support.cache
            run.student.layers = 2
            run.student.hiddenSize = 32
            run.student.initialization = .teacherLayers
            run.training.numTrainEpochs = 1
            run.quantizeAware = true
            run.training.seed = Learning.seed
            run.precision = Learning.precision
            let report = try DistillationRun(run).run()
            #expect(report.settings.quantizeAware == true)
            let (model, _) = try AutoModel.load(from: run.output)
            #expect(!model.parameters.isQuantized)
            let quantized = try QuantizationRun(
                request {
                    $0.model = run.output
                    $0.output = scratch.appending(path: "aware")
                }
            ).run()
            try Learning.expect("quantize-aware, agreement", quantized.comparison?.agreement, above: 0.9)
        }
    }
}
