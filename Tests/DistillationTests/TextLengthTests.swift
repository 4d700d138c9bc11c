import Files
import Foundation
import JSON
import Testing
import Tokenizers
import Transformers

@testable import Distillation
@testable import Quantization

/// The length that a model was trained with is that with which it is judged and used.
@Suite("How much of a text a model reads")
struct TextLengthTests {
    let scratch: URL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(
            path: "distill-length-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    /// Reviews whose one telling word is the last of 31.
    private func reviews() throws -> URL {
        let rows = (0..<60).map { index in
            let word = index % 2 == 0 ? "brilliant" : "tedious"
            return String(repeating: "the film ", count: 15)
                + "\(word),\(index % 2 == 0 ? "positive" : "negative")"
        }
        let file = scratch.appending(path: "reviews.csv")
        try Data((["text,label"] + rows).joined(separator: "\n").utf8).write(to: file)
        return file
    }

    private func fineTuned(maxLength: Int?) throws -> (model: URL, data: URL, report: RunReport) {
        let data = try reviews()
        var request = FineTuneRequest(
            model: Support.teacher, data: DataRequest(train: data), output: scratch.appending(path: "model"))
        request.data.maxLength = maxLength
        request.training.maxSteps = 1
        request.cache = Support.cache
        let report = try FineTuningRun(request).run()
        return (request.output, data, report)
    }

    @Test("evaluate, predict, label, quantize and run take it from the records, and say what is cut")
    func trained() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, data, report) = try fineTuned(maxLength: 16)
        #expect(report.settings.maxLength == 16)
        #expect(TextLength.trained(in: model) == 16)
        #expect(try Predictor(model: model).maxLength == 16)
        #expect(try Predictor(model: model, maxLength: 40).maxLength == 40)
        #expect(try Predictor(model: model, maxLength: 400).maxLength == 64)

        func warnings(_ run: (@escaping (RunEvent) -> Void) throws -> Void) rethrows -> [String] {
            var found: [String] = []
            try run { if case .warning(let text) = $0 { found.append(text) } }
            return found.filter { $0.contains("longer than") }
        }
        let cut = "reviews.csv: 60 of 60 texts are longer than 16 tokens and cut there"
        var evaluation = EvaluateRequest(model: model, data: data)
        (evaluation.cache, evaluation.latencySamples) = (Support.cache, 0)
        let told = try warnings { _ = try EvaluationRun(evaluation).run(onEvent: $0) }
        #expect(told.count == 1 && told[0].contains(cut), "\(told)")
        evaluation.maxLength = 40
        #expect(try warnings { _ = try EvaluationRun(evaluation).run(onEvent: $0) }.isEmpty)
        // The second time the tokens come from the cache, and are cut all the same.
        evaluation.maxLength = nil
        #expect(try warnings { _ = try EvaluationRun(evaluation).run(onEvent: $0) } == told)

        var label = LabelRequest(teacher: model, data: data)
        label.cache = Support.cache
        #expect(try warnings { _ = try LabelRun(label).run(onEvent: $0) }.first?.contains(cut) == true)

        var quantize = QuantizeRequest(model: model, output: scratch.appending(path: "int8"))
        (quantize.data, quantize.cache, quantize.latencySamples) = (data, Support.cache, 0)
        quantize.method.type = .float16
        #expect(
            try warnings { _ = try QuantizationRun(quantize).run(onEvent: $0) }.first?.contains(cut) == true)
        #expect(TextLength.trained(in: quantize.output) == 16)

        var run = DistillRequest(
            teacher: model, data: DataRequest(train: data), output: scratch.appending(path: "student"))
        (run.student.layers, run.training.maxSteps, run.cache) = (1, 1, Support.cache)
        #expect(try DistillationRun(run).run().settings.maxLength == 16)
        #expect(TextLength.trained(in: run.output) == 16)

        let predictor = try Predictor(model: model)
        _ = try predictor.predict([
            TextPair("the film"), TextPair(String(repeating: "the film ", count: 15)),
        ])
        #expect(
            predictor.cutWarning("input")?.hasPrefix("input: 1 of 2 texts is longer than 16 tokens") == true)
    }

    @Test("without a record the tokenizer's model_max_length counts, and without that the model's positions")
    func untrained() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let model = scratch.appending(path: "copy")
        try FileManager.default.copyItem(at: Support.teacher, to: model)
        for name in ["training.json", "distillation.json"] {
            try? FileManager.default.removeItem(at: model.appending(path: name))
        }
        func predicted(_ limit: JSONValue?) throws -> Int {
            let file = model.appending(path: "tokenizer_config.json")
            var settings = try JSONValue.load(contentsOf: file).objectValue ?? [:]
            settings["model_max_length"] = limit
            try Data(JSONValue.object(settings).serialized().utf8).write(to: file)
            return try Predictor(model: model).maxLength
        }
        #expect(try predicted(48) == 48)
        #expect(try predicted(4096) == 64)
        #expect(try predicted(1e30) == 64)
        #expect(try predicted(nil) == 64)
        // What is no record says nothing.
        try Data("{\"settings\": {\"max_length\": \"long\"}}".utf8).write(
            to: model.appending(path: "training.json"))
        #expect(try predicted(48) == 48)
    }

    @Test("a text with a token that the model has no embedding for is an error that names its line")
    func missingEmbedding() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let model = scratch.appending(path: "copy")
        try FileManager.default.copyItem(at: Support.teacher, to: model)
        let file = model.appending(path: "tokenizer_config.json")
        var settings = try JSONValue.load(contentsOf: file).objectValue ?? [:]
        settings["extra_special_tokens"] = ["<new>"]
        try Data(JSONValue.object(settings).serialized().utf8).write(to: file)
        let classifier = try LoadedModel(model)
        #expect(classifier.warnings.count == 1 && classifier.warnings[0].contains("'<new>'"))
        let data = scratch.appending(path: "d.csv")
        try Data("text,label\nthe film,positive\nthe <new> film,negative\n".utf8).write(to: data)
        var request = EvaluateRequest(model: model, data: data)
        (request.cache, request.latencySamples) = (Support.cache, 0)
        let error = #expect(throws: (any Error).self) { try EvaluationRun(request).run() }
        let message = error.map { "\($0)" } ?? ""
        #expect(message.contains("d.csv, line 3: ") && message.contains("\"<new>\""), "\(message)")
    }
}
