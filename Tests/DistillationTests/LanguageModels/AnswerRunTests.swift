import Deployment
import Files
import Foundation
import Generation
import Testing

@testable import Distillation

@Suite("Prompts are answered, in the form that is trained on")
struct AnswerRunTests {
    private let scratch = FileManager.default.temporaryDirectory.appending(
        path: "distill-\(UUID().uuidString)")

    private func prepared(_ prompts: String) throws -> (model: URL, data: URL) {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        let data = scratch.appending(path: "prompts.jsonl")
        try prompts.write(to: data, atomically: true, encoding: .utf8)
        return (try TinyLanguageModel(in: scratch).directory, data)
    }

    @Test("a file of prompts becomes conversations that a training reads; batches change nothing")
    func file() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, data) = try prepared(
            #"{"prompt": "name 3"}"# + "\n"
                + #"{"messages": [{"role": "user", "content": "name 4"}, {"role": "assistant", "content": "old"}]}"#
                + "\n" + #"{"prompt": "name 5"}"# + "\n")
        var texts: [String] = []
        for (index, size) in [1, 3].enumerated() {
            var request = AnswerRequest(model: model)
            request.data = data
            request.output = scratch.appending(path: "answers-\(index).jsonl")
            request.batchSize = size
            request.precision = .float32
            request.keepsUnfinished = true
            request.options = { $0.maxNewTokens = 6 }
            let (report, answers) = try AnswerRun(request).run()
            #expect(report.answers == 3 && answers.count == 3 && report.kept == 3)
            texts.append(try String(contentsOf: try #require(request.output), encoding: .utf8))
        }
        #expect(texts[0] == texts[1] && !texts[0].contains("old"))
        let lines = texts[0].split(separator: "\n")
        #expect(lines.count == 3 && lines.allSatisfy { $0.contains(#""role":"assistant""#) })
        // The file is training data as it is.
        let loaded = try LoadedModel(model, languageModels: true)
        let text = try #require(try loaded.languageModelText(DataColumns(), maxLength: 40))
        let read = try DatasetLoader(
            options: DataColumns().options, tokenizer: loaded.tokenizer, tokenizerDirectory: model,
            maxLength: 40, root: nil, memo: DigestMemo(root: nil), warn: { _ in }, languageModel: text
        ).load(
            scratch.appending(path: "answers-0.jsonl"), labels: .ignored, problemType: .causalLanguageModel)
        #expect(read.dataset.count == 3 && read.dataset.rowCount > 3)
        // It is not replaced unasked.
        var again = AnswerRequest(model: model)
        again.data = data
        again.output = scratch.appending(path: "answers-0.jsonl")
        #expect(throws: GenerationError.self) { try AnswerRun(again).run() }
        #expect(try String(contentsOf: try #require(again.output), encoding: .utf8) == texts[0])
    }

    @Test(
        "what cannot be answered is said with file and line",
        arguments: [
            (#"{"prompt": ""}"#, "prompts.jsonl:1"),
            (#"{"prompt": "a"}"# + "\n" + #"{"text": "b"}"#, "prompts.jsonl:2"),
            (#"{"messages": []}"#, "prompts.jsonl:1"), (#"{"prompt": 3}"#, "prompts.jsonl:1"),
            (#"{"messages": [{"role": "gpt", "content": "a"}]}"#, "prompts.jsonl:1"),
            (#"{"prompt": [{"role": "user", "content": 3}]}"#, "prompts.jsonl:1"),
            (
                #"{"prompt": "a"}"# + "\n"
                    + #"{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}"#,
                "prompts.jsonl:2"
            ),
        ])
    func refused(_ prompts: String, _ place: String) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, data) = try prepared(prompts + "\n")
        var request = AnswerRequest(model: model)
        request.data = data
        let error = #expect(throws: (any Error).self) { try AnswerRun(request).run() }
        let text = error.map { "\($0)" } ?? ""
        #expect(
            text.contains(place.split(separator: ":")[0]) && text.contains("line " + place.suffix(1)),
            "\(text)")
    }

    @Test(
        "where no answer comes to an end, the error says how to begin again; what is no file of prompts is named"
    )
    func unfinished() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, data) = try prepared((0..<3).map { #"{"prompt": "name \#($0)"}"# + "\n" }.joined())
        var request = AnswerRequest(model: model)
        request.data = data
        request.output = scratch.appending(path: "answers.jsonl")
        request.options = { ($0.maxNewTokens, $0.stopTokenIDs) = (2, []) }
        let first = request
        let error = #expect(throws: GenerationError.self) { try AnswerRun(first).run() }
        let message = error?.description ?? ""
        #expect(message.contains("none of the 3 answers came to an end within 2 tokens"), "\(message)")
        #expect(message.contains("pass --overwrite") && message.contains("--keep-unfinished"), "\(message)")
        // What the message says to do is enough.
        request.options = { ($0.maxNewTokens, $0.stopTokenIDs) = (3, []) }
        (request.overwrite, request.keepsUnfinished) = (true, true)
        let kept = try AnswerRun(request).run().report.kept
        #expect(kept == 3)

        for name in ["prompts.txt", "prompts.csv"] {
            let other = scratch.appending(path: name)
            let refusal = #expect(throws: (any Error).self) { try Prompt.load(other, asChat: true) }
            let text = refusal.map { "\($0)" } ?? ""
            #expect(text.hasPrefix("\(other.path): prompts are read of JSON lines (.jsonl"), "\(text)")
        }
    }

    @Test(
        "a run that ended early goes on, with the bytes of one that did not; another run's answers are not taken"
    )
    func resumed() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, data) = try prepared((0..<7).map { #"{"prompt": "name \#($0)"}"# + "\n" }.joined())
        func request(_ name: String) -> AnswerRequest {
            var request = AnswerRequest(model: model)
            request.data = data
            request.output = scratch.appending(path: name)
            (request.batchSize, request.precision, request.keepsUnfinished) = (2, .float32, true)
            request.options = { ($0.maxNewTokens, $0.temperature) = (6, 1.5) }
            return request
        }
        let whole = try AnswerRun(request("whole.jsonl")).run().texts
        let journal = scratch.appending(path: "cut.jsonl.partial")
        var finished = 0
        let stopped = #expect(throws: InterruptedError.self) {
            try AnswerRun(request("cut.jsonl")).run(
                onEvent: { if case .finished = $0 { finished += 1 } }, shouldStop: { finished == 3 })
        }
        #expect(
            stopped?.outcome.contains("answers are kept in \(journal.path)") == true,
            "\(String(describing: stopped))")
        #expect(!FileManager.default.fileExists(atPath: scratch.appending(path: "cut.jsonl").path))
        // As where the program is killed while it writes.
        let line = #"{"prompt":6,"text":"#
        let kept = try Data(contentsOf: journal)
        try (kept + Data(line.utf8)).write(to: journal)
        // With other options nothing of it is taken, and nothing is lost.
        var other = request("cut.jsonl")
        other.options = { $0.maxNewTokens = 5 }
        let error = #expect(throws: GenerationError.self) { try AnswerRun(other).run() }
        #expect(error?.description.contains("options") == true, "\(error?.description ?? "")")
        #expect(try Data(contentsOf: journal) == kept + Data(line.utf8))
        var known = 0
        let texts = try AnswerRun(request("cut.jsonl")).run(onKnown: { known = $0 }).texts
        #expect(known == 4 || known == 3, "\(known)")
        #expect(texts == whole)
        #expect(
            try Data(contentsOf: scratch.appending(path: "cut.jsonl"))
                == Data(contentsOf: scratch.appending(path: "whole.jsonl")))
        #expect(!FileManager.default.fileExists(atPath: journal.path))
        // A damaged line is said; --overwrite begins again.
        try (String(decoding: kept, as: UTF8.self) + "nonsense\n").write(
            to: scratch.appending(path: "third.jsonl.partial"), atomically: true, encoding: .utf8)
        let damaged = #expect(throws: GenerationError.self) { try AnswerRun(request("third.jsonl")).run() }
        #expect(damaged?.description.contains("line ") == true, "\(damaged?.description ?? "")")
        var again = request("third.jsonl")
        again.overwrite = true
        #expect(try AnswerRun(again).run().texts == whole)
    }

    @Test("the outputs of shards, one after another, have the bytes of one run's; each goes on by itself")
    func shards() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, data) = try prepared((0..<7).map { #"{"prompt": "name \#($0)"}"# + "\n" }.joined())
        func request(_ name: String, _ shard: String?) throws -> AnswerRequest {
            var request = AnswerRequest(model: model)
            (request.data, request.output) = (data, scratch.appending(path: name))
            (request.batchSize, request.precision, request.keepsUnfinished) = (2, .float32, true)
            request.shard = try shard.map { try Shard($0) }
            request.options = { ($0.maxNewTokens, $0.temperature) = (6, 1.5) }
            return request
        }
        func run(_ name: String, _ shard: String?) throws -> Data {
            let request = try request(name, shard)
            _ = try AnswerRun(request).run()
            return try Data(contentsOf: try #require(request.output))
        }
        let whole = try run("whole.jsonl", nil)
        let none = #expect(throws: InterruptedError.self) {
            try AnswerRun(request("part-2.jsonl", "2/3")).run(shouldStop: { true })
        }
        #expect(
            none?.outcome.hasPrefix("no answer") == true || none?.outcome.hasPrefix("1 answer is") == true)
        let parts = try (1...3).map { try run("part-\($0).jsonl", "\($0)/3") }
        #expect(parts.reduce(Data(), +) == whole && parts.allSatisfy { !$0.isEmpty })
        // What one shard has kept is none of another's.
        var finished = 0
        #expect(throws: InterruptedError.self) {
            try AnswerRun(request("one.jsonl", "1/3")).run(
                onEvent: { if case .finished = $0 { finished += 1 } }, shouldStop: { finished == 1 })
        }
        let error = #expect(throws: GenerationError.self) { try AnswerRun(request("one.jsonl", "2/3")).run() }
        #expect(error?.description.contains("the shard") == true, "\(error?.description ?? "")")
        let empty = #expect(throws: GenerationError.self) {
            try AnswerRun(request("none.jsonl", "1/8")).run()
        }
        #expect(empty?.description.contains("--shard 1/8 has none of the 7 prompts") == true)
    }
}
