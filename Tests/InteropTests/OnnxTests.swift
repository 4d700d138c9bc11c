import Exporters
import Files
import Foundation
import JSON
import Quantization
import Safetensors
import Testing
import Tokenizers
import Transformers

@testable import Deployment
@testable import Distillation

/// Opens exported models with onnx's checker and ONNX Runtime, and with transformers.
@Suite(
    "Interoperation with ONNX Runtime",
    .enabled(if: Onnx.isThere, "run `make test`, which installs Python's onnx and onnxruntime"))
struct OnnxTests {
    @Test(
        "a distilled teacher: the checker finds nothing, logits are numpy's",
        arguments: [(ExportDType.float32, 1e-4), (.float16, 5e-3)])
    func tiny(_ dtype: ExportDType, _ tolerance: Double) throws {
        let place = try TemporaryDirectory()
        let report = try Onnx.export(Fixtures.teacher, to: place, dtype: dtype)
        let check = try #require(report.check)
        #expect(check.largestDifference <= tolerance && check.agreement == 1 && check.examples == 8)
        #expect(check.runtime.hasPrefix("onnxruntime "))
        try Onnx.expectAgreement(Fixtures.teacher, report, tolerance)
    }

    @Test("every operator version", arguments: ONNXExporter.opsets)
    func versions(_ opset: Int) throws {
        let place = try TemporaryDirectory()
        let report = try Onnx.export(Fixtures.teacher, to: place, dtype: .float32, opset: opset)
        #expect(report.opset == opset)
        try Onnx.expectAgreement(Fixtures.teacher, report, 1e-4)
    }

    @Test(
        "every activation, problem type and number of labels",
        arguments: [
            ("gelu_new", TaskIdentifier.multiLabel, 3), ("gelu_pytorch_tanh", .singleLabel, 7),
            ("relu", .regression, 1),
            ("silu", .multiLabel, 1), ("swish", .singleLabel, 2), ("tanh", .singleLabel, 2),
            ("sigmoid", .singleLabel, 2),
        ])
    func configurations(_ activation: String, _ type: TaskIdentifier, _ labels: Int) throws {
        let place = try TemporaryDirectory()
        let model = try Onnx.model(
            changing: ["hidden_act": .string(activation), "problem_type": .string(type.rawValue)],
            labels: labels, in: place)
        let report = try Onnx.export(model, to: place, dtype: .float32)
        #expect(try #require(report.check).largestDifference <= 1e-4)
        #expect((report.check?.agreement == nil) == (type == .regression))
        try Onnx.expectAgreement(model, report, 1e-4)
    }

    @Test(
        "every family: logits are transformers'",
        arguments: [
            ("distilbert", false), ("roberta", false), ("xlm-roberta", false), ("camembert", false),
            ("electra", true), ("electra-wide", true), ("albert", true), ("albert-groups", true),
            ("mpnet", false), ("deberta-v2", true), ("deberta-v2-plain", false), ("deberta-v3", false),
            ("modernbert", false), ("modernbert-mean", false),
        ])
    func families(_ name: String, _ hasTypes: Bool) throws {
        try expectTransformers("families/\(name)", hasTypes)
    }

    @Test(
        "token classifiers of every family: a row of logits for each token",
        arguments: [
            ("bert", true), ("distilbert", false), ("roberta", false), ("xlm-roberta", false),
            ("camembert", false), ("electra", true), ("albert", true), ("mpnet", false), ("deberta-v2", true),
            ("deberta-v3", false), ("modernbert", false),
        ])
    func tokenFamilies(_ name: String, _ hasTypes: Bool) throws {
        try expectTransformers("token-families/\(name)", hasTypes)
    }

    private func expectTransformers(_ name: String, _ hasTypes: Bool) throws {
        let place = try TemporaryDirectory()
        let fixture = Onnx.root.appending(path: "Tests/TransformersTests/Fixtures/\(name)")
        let directory = place.url.appending(path: "onnx")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        _ = try ONNXExporter().export(
            ExportableModel(directory: fixture), to: directory, options: ExportOptions(producerVersion: "1"))
        let inputs = ["input_ids", "attention_mask"] + (hasTypes ? ["token_type_ids"] : [])
        let script = Fixtures.folder.appending(path: "onnx_families.py").path
        let result = try Python.run([script, fixture.path, directory.path] + inputs, with: Onnx.python)
        #expect(result.status == 0, "\(result.output)")
    }

    @Test("a real encoder with a head of ours", .enabled(if: Onnx.encoderIsThere, "run `make demo`"))
    func real() throws {
        let place = try TemporaryDirectory()
        let model = place.url.appending(path: "model")
        let (classifier, _) = try AutoModel.load(from: Onnx.encoder, labelNames: ["no", "yes", "perhaps"])
        try ModelWriter.save(classifier, to: model)
        try Onnx.copyTokenizer(Onnx.encoder, to: model)
        for (dtype, tolerance) in [(ExportDType.float32, 1e-4), (.float16, 1e-2)] {
            let report = try Onnx.export(model, to: place, dtype: dtype)
            #expect(try #require(report.check).largestDifference <= tolerance)
            try Onnx.expectAgreement(model, report, tolerance)
        }
    }

    @Test(
        "int8: ONNX Runtime computes what the convention says",
        arguments: [("token", 2e-3), ("tensor", 2e-3), ("static", 1e-4)])
    func quantized(_ scheme: String, _ tolerance: Double) throws {
        let place = try TemporaryDirectory()
        let model = try Onnx.quantized(scheme, in: place)
        let report = try Onnx.export(model, to: place, dtype: nil, check: false)
        #expect(report.dtype == .int8)
        try Onnx.expectAgreement(model, report, tolerance)
    }

    @Test(
        "int8 of each kind of layers and head: ONNX Runtime computes what this package's kernels do",
        arguments: ["bert", "roberta", "mpnet", "deberta-v3", "modernbert"], ["families", "token-families"])
    func quantizedFamilies(_ family: String, _ heads: String) throws {
        let place = try TemporaryDirectory()
        let fixtures = Onnx.root.appending(path: "Tests/TransformersTests/Fixtures/\(heads)")
        // The fixture of BERT's sequence classifier is the teacher's.
        let fixture =
            family == "bert" && heads == "families" ? Fixtures.teacher : fixtures.appending(path: family)
        let model = try Onnx.quantizedModel(like: fixture, in: place)
        let report = try Onnx.export(model, to: place, dtype: nil)
        #expect(report.dtype == .int8)
        let check = try #require(report.check)
        // Roundings that fall the other way; another computation is off by most of the logits.
        #expect(check.relativeDifference < 0.03, "\(check)")
    }

    @Test("int8 weights with inputs in floating point are refused, as the loader refuses them")
    func weightsOnly() throws {
        let place = try TemporaryDirectory()
        let model = try Onnx.quantized("weights", in: place)
        let error = #expect(throws: ArchitectureError.self) {
            try Onnx.export(model, to: place, dtype: nil, check: false)
        }
        #expect(error == #expect(throws: ArchitectureError.self) { try AutoModel.load(from: model) })
        #expect(error?.description.contains("has no int8 activations in 'group_0'") == true)
    }

    @Test("a quantised model multiplied out is float32 in ONNX and in Hugging Face form")
    func dequantized() throws {
        let place = try TemporaryDirectory()
        let model = try Onnx.quantized("token", in: place)
        try Onnx.expectAgreement(
            model, try Onnx.export(model, to: place, dtype: .float32, check: false), 1e-4)
        let report = try Onnx.export(model, to: place, dtype: .float32, format: "safetensors", check: false)
        try Onnx.expectTransformersReads(model, report)
    }

    @Test("on labelled data both have the same accuracy")
    func accuracy() throws {
        let place = try TemporaryDirectory()
        let report = try Onnx.export(Fixtures.teacher, to: place, dtype: .float16, data: Fixtures.reviews)
        let check = try #require(report.check)
        #expect(check.examples == 120 && check.metric == "accuracy" && check.data?.examples == 120)
        #expect(check.exported == check.own && check.agreement == 1)
    }

    @Test("a file that was changed is noticed: nothing stays")
    func disagreement() throws {
        let place = try TemporaryDirectory()
        var request = ExportRequest(model: Fixtures.teacher, output: place.url.appending(path: "out"))
        request.python = Onnx.python
        request.formats = ExportFormats([SpoilingExporter()])
        let error = #expect(throws: DistillationError.self) { try ExportRun(request).run() }
        #expect(error?.description.contains("the exported model disagrees with this one") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.url.path).isEmpty)
    }

    @Test(
        "transformers reads each type, with the same numbers",
        arguments: [ExportDType.float32, .float16, .bfloat16])
    func transformers(_ dtype: ExportDType) throws {
        let place = try TemporaryDirectory()
        let report = try Onnx.export(Fixtures.teacher, to: place, dtype: dtype, format: "safetensors")
        #expect(try #require(report.check).largestDifference <= (dtype == .float32 ? 0 : 0.02))
        try Onnx.expectTransformersReads(Fixtures.teacher, report)
    }
}

/// What an export refuses, and what is left of it: nothing.
@Suite("Export runs")
struct ExportRunTests {
    private func refusal(_ request: ExportRequest) throws -> String {
        let error = #expect(throws: (any Error).self) { try ExportRun(request).run() }
        let text = error.map { "\($0)" } ?? ""
        #expect(!text.contains("\n"), "\(text)")
        return text
    }

    @Test("an output that is there is replaced only where that was asked for")
    func output() throws {
        let place = try TemporaryDirectory()
        let output = place.url.appending(path: "out")
        var request = ExportRequest(model: Fixtures.teacher, output: output)
        request.format = "safetensors"
        request.dtype = .float16
        let first = try ExportRun(request).run()
        #expect(first.files.map(\.name).contains("model.safetensors") && first.bytes < first.sourceBytes)
        #expect(try refusal(request).contains("exists and is not empty; pass --overwrite"))
        request.overwrite = true
        #expect(try ExportRun(request).run().files == first.files)

        // What is no model directory stays, and so does the model itself.
        let other = place.url.appending(path: "other")
        try FileManager.default.createDirectory(at: other, withIntermediateDirectories: true)
        try Data("precious".utf8).write(to: other.appending(path: "file"))
        request.output = other
        #expect(try refusal(request).contains("is not a model directory"))
        request.output = Fixtures.teacher
        #expect(try refusal(request).contains("is or holds the input"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: place.url.path).sorted() == ["other", "out"])
    }

    @Test("what cannot be exported leaves nothing behind")
    func nothingStays() throws {
        let place = try TemporaryDirectory()
        var request = ExportRequest(model: Fixtures.teacher, output: place.url.appending(path: "new/out"))
        request.dtype = .int8
        request.check = false
        #expect(try refusal(request).contains("distill quantize --model"))
        request.dtype = .float32
        request.format = "tflite"
        #expect(try refusal(request).contains("choose one of onnx, coreml, safetensors"))
        request.format = "onnx"
        request.model = place.url.appending(path: "missing")
        #expect(try refusal(request).contains("no such file or directory"))
        request.model = Fixtures.teacher
        let error = #expect(throws: InterruptedError.self) {
            try ExportRun(request).run(shouldStop: { true })
        }
        #expect(error != nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.url.path).isEmpty)
    }

    @Test("settings that cannot be")
    func settings() throws {
        var request = ExportRequest(model: Fixtures.teacher, output: URL(filePath: "/nowhere"))
        request.format = "safetensors"
        request.opset = 21
        #expect(try refusal(request).contains("opset belongs to the format onnx"))
        request.opset = nil
        request.batchSize = 0
        #expect(try refusal(request).contains("batch_size"))
        request.batchSize = 1
        request.maxLength = 2
        #expect(try refusal(request).contains("max_length"))
        request.maxLength = 8
        request.check = false
        request.data = Fixtures.reviews
        #expect(try refusal(request).contains("no_check"))
    }

    @Test("without onnxruntime the model is written, and the report says how to compare it")
    func withoutRuntime() throws {
        let place = try TemporaryDirectory()
        // A Python that has nothing.
        let python = place.url.appending(path: "python")
        try Data("#!/bin/sh\nexit 1\n".utf8).write(to: python)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: python.path)
        var request = ExportRequest(model: Fixtures.teacher, output: place.url.appending(path: "out"))
        request.python = python
        let report = try ExportRun(request).run()
        #expect(report.check == nil && report.checkLeftOut?.contains("-m pip install onnxruntime") == true)
        #expect(report.files.map(\.name).contains("model.onnx"))
        request.output = place.url.appending(path: "second")
        request.python = place.url.appending(path: "nothing")
        #expect(try refusal(request).contains("is no program; name a Python that has onnxruntime"))
        let found = try ONNXRuntimeRunner.find(
            for: request.model, request: ExportRequest(model: request.model, output: request.output),
            environment: ["PATH": place.url.path])
        if case .failure(let reason) = found { #expect(reason.description.contains("there is no python3")) }
        #expect((try? found.get()) == nil)
    }
}

/// Writes a model with another bias than its own.
struct SpoilingExporter: ModelExporter {
    let name = "onnx"
    let summary = "spoilt"
    let dtypes: [ExportDType] = [.float32]

    func export(
        _ model: ExportableModel, to directory: URL, options: ExportOptions
    ) throws -> ExportedModel {
        let exported = try ONNXExporter().export(model, to: directory, options: options)
        let file = directory.appending(path: ONNXExporter.fileName)
        var bytes = try Data(contentsOf: file)
        let weights = try SafetensorsFile(contentsOf: model.directory.appending(path: "model.safetensors"))
        let bias = Data(try weights.bytes(of: "classifier.bias"))
        let place = try #require(bytes.range(of: bias))
        bytes.replaceSubrange(place, with: Data(repeating: 0x40, count: bias.count))
        try bytes.write(to: file)
        return exported
    }
}

enum Onnx {
    /// `DISTILL_PYTHON`, else what `make test` installs.
    static let python: URL = {
        let named = ProcessInfo.processInfo.environment["DISTILL_PYTHON"] ?? ""
        return named.isEmpty ? Python.executable : URL(filePath: named)
    }()
    static let script = Fixtures.folder.appending(path: "onnx_interop.py")
    static let root = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
    static let encoder = root.appending(path: ".demo/all-MiniLM-L6-v2")
    static let encoderIsThere = FileManager.default.fileExists(
        atPath: encoder.appending(path: "model.safetensors").path)
    static let isThere =
        Python.isThere
        && (try? Python.run(["-c", "import onnx, onnxruntime"], with: python).status == 0) == true

    /// Exports a model to a new directory.
    static func export(
        _ model: URL, to place: TemporaryDirectory, dtype: ExportDType?, opset: Int? = nil,
        format: String = "onnx",
        check: Bool = true, data: URL? = nil
    ) throws -> ExportReport {
        var request = ExportRequest(model: model, output: place.url.appending(path: UUID().uuidString))
        (request.dtype, request.opset, request.format) = (dtype, opset, format)
        (request.check, request.data, request.python) = (check, data, python)
        request.cache.directory = place.url.appending(path: "cache")
        return try ExportRun(request).run()
    }

    static func expectAgreement(_ model: URL, _ report: ExportReport, _ tolerance: Double) throws {
        let result = try Python.run(
            [script.path, model.path, report.output, report.dtype.rawValue, "\(tolerance)"], with: python)
        #expect(result.status == 0, "\(result.output)")
    }

    static func expectTransformersReads(_ model: URL, _ report: ExportReport) throws {
        let result = try Python.run([
            script.path, "--transformers", model.path, report.output, report.dtype.rawValue,
        ])
        #expect(result.status == 0, "\(result.output)")
    }

    /// The tiny teacher, quantised by a script.
    static func quantized(_ scheme: String, in place: TemporaryDirectory) throws -> URL {
        let model = place.url.appending(path: "int8")
        let result = try Python.run([
            root.appending(path: "scripts/fixtures/quantized_teacher.py").path, model.path, scheme,
        ])
        try #require(result.status == 0, "\(result.output)")
        return model
    }

    /// The tiny teacher's sizes with other settings, and random weights.
    static func model(
        changing fields: JSONObject, labels: Int, in place: TemporaryDirectory
    ) throws -> URL {
        let model = place.url.appending(path: "model")
        let file = Fixtures.teacher.appending(path: "config.json")
        var json = try #require(JSONValue.load(contentsOf: file).objectValue)
        for (key, value) in fields { json[key] = value }
        let names = (0..<labels).map { "label \($0)" }
        json["id2label"] = .object(JSONObject(names.enumerated().map { (String($0), .string($1)) }))
        json["label2id"] = .object(JSONObject(names.enumerated().map { ($1, .integer($0)) }))
        json["initializer_range"] = 0.2
        let configuration = try ModelConfiguration(json: json, source: file.path)
        try ModelWriter.save(try AutoModel.make(configuration, source: nil, seed: 5), to: model)
        try copyTokenizer(Fixtures.teacher, to: model)
        return model
    }

    /// A model of a fixture's family with the tiny teacher's vocabulary, and random weights.
    static func model(like fixture: URL, in place: TemporaryDirectory) throws -> URL {
        let model = place.url.appending(path: "model")
        let file = fixture.appending(path: "config.json")
        var json = try #require(JSONValue.load(contentsOf: file).objectValue)
        json["vocab_size"] = try ModelConfiguration(contentsOf: Fixtures.teacher).original["vocab_size"]
        json["initializer_range"] = 0.2
        let configuration = try ModelConfiguration(json: json, source: file.path)
        try ModelWriter.save(try AutoModel.make(configuration, source: nil, seed: 5), to: model)
        try copyTokenizer(Fixtures.teacher, to: model)
        return model
    }

    /// The same in int8.
    static func quantizedModel(like fixture: URL, in place: TemporaryDirectory) throws -> URL {
        var request = QuantizeRequest(
            model: try model(like: fixture, in: place), output: place.url.appending(path: "int8"))
        request.cache.directory = place.url.appending(path: "cache")
        request.method.smallestMatrix = 1
        request.latencySamples = 0
        _ = try QuantizationRun(request).run()
        return request.output
    }

    static func copyTokenizer(_ source: URL, to target: URL) throws {
        for name in Tokenizer.fileNames {
            let file = source.appending(path: name)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            try FileManager.default.copyItem(at: file, to: target.appending(path: name))
        }
    }
}

extension Python {
    static func run(_ arguments: [String], with python: URL) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = python
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
