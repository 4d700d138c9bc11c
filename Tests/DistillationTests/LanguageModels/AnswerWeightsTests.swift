import Deployment
import DistillRuntime
import Foundation
import GGUF
import Generation
import Testing
import Torch

@testable import Distillation

@Suite("Prompts are answered with weights of few bits")
struct AnswerWeightsTests {
    private let scratch = FileManager.default.temporaryDirectory.appending(
        path: "distill-\(UUID().uuidString)")

    private func request(_ model: URL, _ weights: AnswerWeights?) throws -> AnswerRequest {
        var request = AnswerRequest(model: model)
        request.data = scratch.appending(path: "prompts.jsonl")
        (request.batchSize, request.precision, request.keepsUnfinished) = (2, .float32, true)
        request.weights = weights
        request.options = { ($0.maxNewTokens, $0.temperature) = (6, 1.5) }
        return request
    }

    private func prepared() throws -> URL {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        try (0..<5).map { #"{"prompt": "name \#($0)"}"# + "\n" }.joined()
            .write(to: scratch.appending(path: "prompts.jsonl"), atomically: true, encoding: .utf8)
        return try TinyLanguageModel(in: scratch).directory
    }

    @Test("those in floating point as they are give the texts of libtorch; rounded ones those of the runtime")
    func texts() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let model = try prepared()
        let floats = try AnswerRun(request(model, nil)).run().texts
        #expect(try AnswerRun(request(model, .stored)).run().texts == floats)
        for (weights, form) in [
            (AnswerWeights.int8, LanguageModel.Weights.int8), (.int4, .int4),
        ] {
            let runtime = try LanguageModel(model.path, .init(weights: form))
            var options = runtime.defaults
            (options.maxNewTokens, options.temperature) = (6, 1.5)
            let expected = try runtime.generate((0..<5).map { runtime.prompt("name \($0)") }, options)
            let made = try AnswerRun(request(model, weights)).run().texts
            #expect(made == expected)
        }
    }

    @Test("blocks of a GGUF file: floating point says that --weights stored is faster, which says nothing")
    func notes() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let model = try prepared()
        for (type, isTold) in [(GGUFTensorType.q80, true), (.f16, false)] {
            let file = scratch.appending(path: "model-\(type.rawValue).gguf")
            var export = GGUFExportRequest(model: model, output: file)
            export.type = type == .q80 ? .q80 : .f16
            _ = try GGUFExportRun(export).run()
            var notes: [String] = []
            var question = try request(file, nil)
            _ = try AnswerRun(question).run(onNote: { notes.append($0) })
            #expect(notes.contains { $0.contains("--weights stored") } == isTold, "\(notes)")
            question.weights = .stored
            notes = []
            _ = try AnswerRun(question).run(onNote: { notes.append($0) })
            #expect(!notes.contains { $0.contains("--weights") }, "\(notes)")
        }
    }

    @Test("answers of other weights are not taken for a stopped run's; other devices are refused")
    func refusals() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let model = try prepared()
        var first = try request(model, .int8)
        first.output = scratch.appending(path: "answers.jsonl")
        var finished = 0
        #expect(throws: InterruptedError.self) {
            try AnswerRun(first).run(
                onEvent: { if case .finished = $0 { finished += 1 } }, shouldStop: { finished == 2 })
        }
        var other = first
        other.weights = .int4
        let changed = #expect(throws: GenerationError.self) { try AnswerRun(other).run() }
        #expect(changed?.description.contains("the weights' form") == true, "\(changed?.description ?? "")")
        var cuda = try request(model, .stored)
        cuda.device = Device(kind: .cuda)
        let refused = #expect(throws: GenerationError.self) { try AnswerRun(cuda).run() }
        #expect(refused?.description.contains("--weights stored") == true, "\(refused?.description ?? "")")
    }
}
