import Foundation
import JSON
import RegularExpressions
import Testing
import Tokenizers
import Transformers

@testable import Distillation

/// Language models taught by teachers with other tokenizers.
@Suite("Language models learn across tokenizers")
struct TokenizerPairTests {
    private let scratch = FileManager.default.temporaryDirectory.appending(
        path: "distill-\(UUID().uuidString)")
    private var data: URL { scratch.appending(path: "chats.jsonl") }

    /// A request with a teacher of bytes and a student of another fixture's tokenizer.
    private func request(_ tokenizer: String, _ objectives: [String]) throws -> DistillRequest {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        try TinyLanguageModel.conversations(to: data)
        let teacher = try TinyLanguageModel(in: scratch)
        let student = try TinyLanguageModel(in: scratch, name: "start", layers: 2, seed: 3)
        try replaceTokenizer(of: student.directory, by: tokenizer)
        var request = DistillRequest(
            teacher: teacher.directory, data: DataRequest(train: data), output: scratch.appending(path: "student"))
        request.student.directory = student.directory
        request.objectives = try objectives.map { try ObjectiveSpecification(text: $0) }
        request.training.numTrainEpochs = 4
        request.training.learningRate = 3e-3
        request.training.perDeviceTrainBatchSize = 8
        request.cache.directory = scratch.appending(path: "cache")
        return request
    }

    private func replaceTokenizer(of directory: URL, by name: String) throws {
        let source = TinyLanguageModel.tokenizer.deletingLastPathComponent().appending(path: name)
        let tokenizer = try Tokenizer.load(directory: source)
        for file in ["generation_config.json", "tokenizer.json", "tokenizer_config.json"] {
            try? FileManager.default.removeItem(at: directory.appending(path: file))
        }
        var json = try #require(JSONValue.load(contentsOf: directory.appending(path: "config.json")).objectValue)
        json["vocab_size"] = .integer(tokenizer.vocabularySize)
        json["eos_token_id"] = tokenizer.eosTokenID.map { .integer(Int($0)) } ?? .null
        json["bos_token_id"] = tokenizer.bosTokenID.map { .integer(Int($0)) } ?? .null
        let model = try AutoModel.make(ModelConfiguration(json: json, source: "test"), source: nil, seed: 3)
        try ModelWriter.save(model, to: directory)
        try OutputDirectory.copyTokenizer(from: source, to: directory)
    }

    @Test("it learns spans of the teacher's texts, live and from the cache", arguments: ["begin", "pieces"])
    func learning(tokenizer: String) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request(tokenizer, ["gold(matched = 0.5)", "uld(weight = 0.2)", "cross_entropy(weight = 0.3)"])
        var notes: [String] = []
        let report = try DistillationRun(request).run { event in
            if case .note(let text) = event { notes.append(text) }
        }
        #expect(notes.contains { $0.contains("are in spans that both divide") }, "\(notes)")
        let losses = report.epochs.compactMap { $0.trainTerms.first { $0.name == "gold" }?.value }
        #expect(losses.count == 4)
        #expect(try #require(losses.last) < #require(losses.first), "\(losses)")
        // Nothing is said of what cannot be compared.
        #expect(report.comparison == nil && report.student.metrics[.kl] == nil)
        #expect(report.student.metrics[.agreement] == nil && report.student.metrics[.bitsPerByte] != nil)

        request.output = scratch.appending(path: "again")
        let second = try DistillationRun(request).run()
        #expect(second.epochs.map(\.trainLoss) == report.epochs.map(\.trainLoss))

        var evaluation = EvaluateRequest(model: request.output, data: data)
        evaluation.teacher = request.teachers[0].directory
        evaluation.cache.directory = request.cache.directory
        let evaluated = try EvaluationRun(evaluation).run()
        #expect(evaluated.comparison == nil && evaluated.model.metrics[.kl] == nil)
        #expect(evaluated.model.metrics[.bitsPerByte] != nil && evaluated.teacher?.metrics[.bitsPerByte] != nil)
    }

    @Test("losses that compare the same tokens are refused, and those across tokenizers where tokens are the same")
    func refusals() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        func refusal(_ request: DistillRequest) -> String {
            let error = #expect(throws: (any Error).self) { try DistillationRun(request).run() }
            return error.map { "\($0)" } ?? ""
        }
        #expect(try refusal(request("begin", [])).contains("use gold or uld"))
        #expect(try refusal(request("begin", ["hidden_mse"])).contains("hidden_mse compares token by token"))
        var same = try request("begin", ["gold"])
        same.student.directory = nil
        #expect(refusal(same).contains("gold is for a teacher with another tokenizer"))
        var form = try request("begin", ["gold"])
        form.teacherStates = .topK(4)
        #expect(refusal(form).contains("use float16, int8 or float32"))
    }
}
