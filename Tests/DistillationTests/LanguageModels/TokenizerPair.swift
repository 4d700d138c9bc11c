import Foundation
import JSON
import RegularExpressions
import Testing
import Tokenizers
import Transformers

@testable import Distillation

/// A language model that is taught by one with another tokenizer: the data, both models and the request.
struct TokenizerPair {
    let scratch = FileManager.default.temporaryDirectory.appending(path: "distill-\(UUID().uuidString)")
    var data: URL { scratch.appending(path: "data.jsonl") }

    /// A request with a teacher of bytes and a student of another fixture's tokenizer.
    ///
    /// - Parameter texts: Documents; conversations where there are none.
    func request(
        _ tokenizer: String = "begin", _ objectives: [String] = ["gold", "cross_entropy"],
        texts: [String] = []
    ) throws -> DistillRequest {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        if texts.isEmpty {
            try TinyLanguageModel.conversations(to: data)
        } else {
            let lines = texts.map { JSONValue.object(["text": .string($0)]).serialized() + "\n" }
            try lines.joined().write(to: data, atomically: true, encoding: .utf8)
        }
        let teacher = try TinyLanguageModel(in: scratch)
        let student = try TinyLanguageModel(in: scratch, name: "start", layers: 2, seed: 3)
        try replaceTokenizer(of: student.directory, by: tokenizer)
        var request = DistillRequest(
            teacher: teacher.directory, data: DataRequest(train: data),
            output: scratch.appending(path: "student"))
        request.student.directory = student.directory
        request.objectives = try objectives.map { try ObjectiveSpecification(text: $0) }
        request.training.numTrainEpochs = 2
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
        var json = try #require(
            JSONValue.load(contentsOf: directory.appending(path: "config.json")).objectValue)
        json["vocab_size"] = .integer(tokenizer.vocabularySize)
        json["eos_token_id"] = tokenizer.eosTokenID.map { .integer(Int($0)) } ?? .null
        json["bos_token_id"] = tokenizer.bosTokenID.map { .integer(Int($0)) } ?? .null
        let model = try AutoModel.make(ModelConfiguration(json: json, source: "test"), source: nil, seed: 3)
        try ModelWriter.save(model, to: directory)
        try OutputDirectory.copyTokenizer(from: source, to: directory)
    }

    func remove() { try? FileManager.default.removeItem(at: scratch) }
}
