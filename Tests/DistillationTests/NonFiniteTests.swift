import Files
import Foundation
import JSON
import Safetensors
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation
@testable import Quantization

/// Models whose weights or answers are no numbers.
@Suite("Numbers that are not finite")
struct NonFiniteTests {
    let scratch: URL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-nan-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    /// A copy of the small teacher with a tensor's numbers replaced.
    private func model(_ name: String, _ tensor: String, _ value: Float) throws -> URL {
        let copy = scratch.appending(path: name)
        try FileManager.default.copyItem(at: Support.teacher, to: copy)
        let file = copy.appending(path: "model.safetensors")
        let info = try #require(try SafetensorsFile(contentsOf: file).info(tensor))
        var bytes = try Data(contentsOf: file)
        let header = bytes.withUnsafeBytes { Int(UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self))) }
        for place in stride(from: info.byteRange.lowerBound, to: info.byteRange.upperBound, by: 4) {
            let start = 8 + header + place
            withUnsafeBytes(of: value.bitPattern.littleEndian) {
                bytes.replaceSubrange(start..<start + 4, with: $0)
            }
        }
        try bytes.write(to: file)
        return copy
    }

    /// Its weights are finite, its logits are not.
    private func overflowing() throws -> URL { try model("overflow", "classifier.weight", 3e38) }

    private func expect(
        _ error: (any Error)?, names directory: URL, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let text = error.map { "\($0)" } ?? ""
        #expect(text.contains(directory.path), "\(text)", sourceLocation: sourceLocation)
        #expect(text.contains("gives logits that are no numbers"), "\(text)", sourceLocation: sourceLocation)
        #expect(!text.contains("\n"), sourceLocation: sourceLocation)
    }

    @Test(
        "a weight that is no number is refused when it is loaded, by the tensor's name",
        arguments: [Float.nan, .infinity])
    func weights(value: Float) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let directory = try model("nan", "bert.encoder.layer.0.output.dense.bias", value)
        for isMapped in [false, true] {
            let error = #expect(throws: TransformersError.self) {
                try AutoModel.load(from: directory, isMapped: isMapped)
            }
            #expect(
                error?.description.contains(
                    "\(directory.path): tensor 'bert.encoder.layer.0.output.dense.bias' holds a number that is"
                ) == true)
        }
        #expect(throws: TransformersError.self) { try AutoModel.requireFiniteWeights(in: directory) }
        try AutoModel.requireFiniteWeights(in: Support.teacher)
    }

    @Test("a model that gives no numbers is an error that names it: evaluate, predict, quantize, label, run")
    func logits() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let directory = try overflowing()
        var cache = CacheOptions()
        cache.directory = scratch.appending(path: "cache")

        var evaluate = EvaluateRequest(model: directory, data: Support.reviews)
        (evaluate.cache, evaluate.latencySamples) = (cache, 0)
        expect(
            #expect(throws: NonFiniteLogitsError.self) { try EvaluationRun(evaluate).run() }, names: directory
        )
        // As the teacher beside a sound model.
        evaluate.model = Support.teacher
        evaluate.teacher = directory
        expect(
            #expect(throws: NonFiniteLogitsError.self) { try EvaluationRun(evaluate).run() }, names: directory
        )

        let predictor = try Predictor(model: directory)
        expect(
            #expect(throws: NonFiniteLogitsError.self) { try predictor.predict([TextPair("good")]) },
            names: directory)

        var quantize = QuantizeRequest(model: directory, output: scratch.appending(path: "int8"))
        (quantize.data, quantize.cache) = (Support.reviews, cache)
        expect(
            #expect(throws: NonFiniteLogitsError.self) { try QuantizationRun(quantize).run() },
            names: directory)

        var label = LabelRequest(teacher: directory, data: Support.reviews)
        label.cache = cache
        expect(#expect(throws: NonFiniteLogitsError.self) { try LabelRun(label).run() }, names: directory)

        var run = DistillRequest(
            teacher: directory, data: DataRequest(train: Support.reviews),
            output: scratch.appending(path: "student"))
        run.student.layers = 1
        run.cache = cache
        let error = #expect(throws: NonFiniteLogitsError.self) { try DistillationRun(run).run() }
        expect(error, names: directory)
        #expect(error?.description.contains("learning-rate") == false)
        let findings = try DistillationRun.check(run)
        #expect(
            findings.contains {
                $0.severity == .error && $0.message.contains("gives logits that are no numbers")
            })

        // Nothing of it entered the cache, and nothing was saved.
        for folder in CacheLeftovers.folders(cache.root)
        where folder.deletingLastPathComponent().lastPathComponent == "teachers" {
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(names.allSatisfy { !$0.hasSuffix(".logits") })
        }
        #expect(!FileManager.default.fileExists(atPath: quantize.output.path))
        #expect(!FileManager.default.fileExists(atPath: run.output.path))
    }

    @Test("training that diverges names the step")
    func diverging() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = FineTuneRequest(
            model: Support.teacher, data: DataRequest(train: Support.reviews),
            output: scratch.appending(path: "out"))
        request.cache = Support.cache
        request.training.learningRate = 1e30
        request.training.maxGradNorm = 0
        request.training.maxSteps = 6
        let error = #expect(throws: NonFiniteLossError.self) { try FineTuningRun(request).run() }
        #expect(
            error?.description.hasPrefix("training stopped at step ") == true, "\(error?.description ?? "")")
    }

    @Test("a model in memory whose weights are no numbers is not saved")
    func saving() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let model = try Support.model()
        try #require(model.parameters["classifier.bias"]).fill(.infinity)
        let error = #expect(throws: TransformersError.self) {
            try ModelWriter.save(model, to: scratch.appending(path: "saved"))
        }
        #expect(error?.description.contains("'classifier.bias'") == true)
    }

    @Test("outputs in a cache that are no numbers are told and computed again")
    func cached() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let file = scratch.appending(path: "a.logits")
        try FileSegment.write(
            to: file, teacher: "t", form: .logits(2), count: 1, key: { _ in ExampleKey(high: 1, low: 2) },
            row: { _, values in values += [1, .nan] })
        #expect(throws: ChecksummedFile.Problem.damaged("it holds outputs that are no numbers")) {
            try FileSegment(file, teacher: "t", form: .logits(2))
        }
    }

    @Test("a bin for every confidence")
    func bins() {
        let places = [0, 0.1, 0.10001, 1, 1.5, -3, Double.nan, .infinity].map {
            CalibrationHistogram.bin(of: $0, count: 10)
        }
        #expect(places == [0, 0, 1, 9, 9, 0, 0, 9])
    }

    @Test("what JSON has no number for is null")
    func json() throws {
        struct Report: Encodable { var a = Double.nan, b = [Float.infinity, 1], c = "not a number" }
        #expect(
            try JSONText.encode(Report(), pretty: false) == #"{"a":null,"b":[null,1],"c":"not a number"}"#)
    }

    @Test("what was interrupted does not speak of training where there may be none")
    func interrupted() { #expect(InterruptedError().description == "interrupted; nothing was saved") }
}
