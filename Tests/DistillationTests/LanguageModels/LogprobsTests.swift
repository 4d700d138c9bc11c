import Conversations
import Files
import Foundation
import JSON
import RegularExpressions
import TestSupport
import Testing
import Tokenizers
import Transformers

@testable import Distillation

/// Files of log-probabilities from elsewhere, in the place of a language model's teacher.
@Suite("Log-probabilities of files teach a language model")
struct LogprobsTests {
    private let scratch = FileManager.default.temporaryDirectory.appending(
        path: "distill-\(UUID().uuidString)")
    private var data: URL { scratch.appending(path: "chats.jsonl") }

    /// A model, its data, and the tokens that are trained of each record.
    private func prepared(count: Int = 48) throws -> (
        model: TinyLanguageModel, trained: [[Int32]], tokenizer: Tokenizer
    ) {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        try TinyLanguageModel.conversations(to: data, count: count)
        let model = try TinyLanguageModel(in: scratch)
        let encoder = try TrainingTextEncoder.load(directory: model.directory)
        let stream = try TokenizedTextStream(data, encoder: encoder)
        var trained: [[Int32]] = []
        while let texts = try stream.next() {
            trained += texts.map { text in text.ids.indices.filter { text.isTrained[$0] }.map { text.ids[$0] }
            }
        }
        return (model, trained, try Tokenizer.load(directory: model.directory))
    }

    private enum Form: CaseIterable { case chat, ids, completion, batch }

    /// A line as servers write it: the token that comes has 0.7, the two next ids 0.2 and 0.05.
    private func line(_ ids: [Int32], _ tokenizer: Tokenizer, _ form: Form) -> String {
        func text(_ id: Int32) -> String {
            String(decoding: tokenizer.bytes(ofToken: id) ?? [], as: UTF8.self)
        }
        func others(_ id: Int32) -> [(Int32, Double)] { [(id, 0.7), (id + 1, 0.2), (id + 2, 0.05)] }
        func entry(_ id: Int32, _ probability: Double) -> JSONObject {
            var object: JSONObject = ["logprob": .number(log(probability))]
            object["token"] = .string(form == .ids ? "token_id:\(id)" : text(id))
            if form != .ids {
                object["bytes"] = .array((tokenizer.bytes(ofToken: id) ?? []).map { .integer(Int($0)) })
            }
            return object
        }
        if form == .completion {
            let logprobs: JSONValue = [
                "tokens": .array(ids.map { .string(tokenizer.idToToken($0) ?? "") }),
                "token_logprobs": .array(ids.map { _ in .number(log(0.7)) }),
                "top_logprobs": .array(
                    ids.map { id in
                        var members = JSONObject()
                        for (other, probability) in others(id).dropFirst() {
                            members[tokenizer.idToToken(other) ?? ""] = .number(log(probability))
                        }
                        return .object(members)
                    }),
            ]
            return JSONValue.object(["choices": [["text": "", "logprobs": logprobs]]]).serialized()
        }
        let content = ids.map { id -> JSONValue in
            var object = entry(id, 0.7)
            object["top_logprobs"] = .array(others(id).map { .object(entry($0.0, $0.1)) })
            return .object(object)
        }
        let answer: JSONObject = ["choices": [["logprobs": ["content": .array(content)]]]]
        return JSONValue.object(form == .batch ? ["response": ["body": .object(answer)]] : answer)
            .serialized()
    }

    private func write(_ lines: [String]) throws -> URL {
        let url = scratch.appending(path: "logprobs.jsonl")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: url)
        return url
    }

    private func request(_ model: URL, _ file: URL) -> DistillRequest {
        var request = DistillRequest(
            teacher: model, data: DataRequest(train: data), output: scratch.appending(path: "student"))
        request.student.directory = model
        request.teacherLogprobs = [file]
        request.training.numTrainEpochs = 4
        request.training.learningRate = 5e-3
        request.training.perDeviceTrainBatchSize = 8
        request.cache.directory = scratch.appending(path: "cache")
        return request
    }

    @Test("every form of the answers gives the outcomes that it holds", arguments: [true, false])
    func forms(endsWithStop: Bool) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, trained, tokenizer) = try prepared(count: 4)
        let loaded = try LoadedModel(model.directory, languageModels: true)
        let text = try #require(try loaded.languageModelText(DataColumns(), maxLength: 64))
        for form in Form.allCases {
            let url = try write(trained.map { line(endsWithStop ? $0 : $0.dropLast(2), tokenizer, form) })
            let store = OutputStore(loaded.outputForm(.topK(5)))
            let file = LogprobsFile(
                url: url, text: text, outcomes: 5,
                matcher: TokenMatcher(tokenizer, vocabularySize: tokenizer.vocabularySize))
            #expect(try file.read(for: data, into: store) == 0)
            try store.flush()
            let segment = try #require(store.segments.first)
            #expect(segment.count == Set(trained.prefix(8)).map(\.count).reduce(0, +))
            var whole = 0
            for row in 0..<segment.count {
                var values: [Float] = []
                try segment.appendRow(row, to: &values)
                #expect(values.count == 11)
                let kept = (0..<5).filter { values[$0] >= 0 }
                let sum = kept.reduce(Float(0)) { $0 + exp(values[5 + $1]) } + exp(values[10])
                #expect(abs(sum - 1) < 1e-5)
                if kept.count == 3 {
                    whole += 1
                    #expect(values[1] == values[0] + 1 && values[2] == values[0] + 2)
                    #expect(abs(exp(values[5]) - 0.7) < 1e-4 && abs(exp(values[10]) - 0.05) < 1e-4)
                } else {
                    // The stop token that the server left out, and the line break behind it.
                    #expect(!endsWithStop && kept.count == 1 && abs(exp(values[5]) - 1) < 1e-4)
                }
            }
            #expect(whole > 0 && (endsWithStop ? whole == segment.count : whole < segment.count))
        }
    }

    @Test("a student learns from a file, with or without a teacher's directory")
    func run() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, trained, tokenizer) = try prepared()
        let file = try write(trained.map { line($0, tokenizer, .chat) })
        let report = try DistillationRun(request(model.directory, file)).run()
        let divergences = report.epochs.compactMap { $0.validation[.kl] }
        #expect(divergences.count > 2 && divergences.last! < divergences[0] / 2, "\(divergences)")
        let settings = try Settings(
            yaml: """
                student: \(model.directory.path)
                train: \(data.path)
                teacher_logprobs: \(file.path)
                output: \(scratch.appending(path: "other").path)
                """, path: "test")
        let read = try DistillRequest(settings)
        #expect(
            read.teachers.map(\.directory.path) == [model.directory.path] && read.teacherLogprobs.count == 1)
        #expect(read.settings["teacher_logprobs"] != nil && read.teacherForm == .topK(20))
        let nameless = try Settings(
            yaml: "train: \(data.path)\nteacher_logprobs: \(file.path)\noutput: out\n", path: "test")
        let error = #expect(throws: SettingsError.self) { try DistillRequest(nameless) }
        #expect(error.map { "\($0)" }?.contains("--student") == true)
    }

    @Test("a check reads the file too, and finds nothing wrong with a good one")
    func check() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, trained, tokenizer) = try prepared()
        let lines = trained.map { line($0, tokenizer, .chat) }
        let good = try DistillationRun.check(request(model.directory, try write(lines)))
        #expect(!good.contains { $0.severity == .error }, "\(good)")
        let bad = try DistillationRun.check(request(model.directory, try write(Array(lines.dropLast()))))
        #expect(bad.contains { $0.severity == .error && $0.message.contains("has 47 lines") }, "\(bad)")
    }

    @Test("damaged files are read or refused, and end nothing else")
    func mutations() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, trained, tokenizer) = try prepared(count: 2)
        let loaded = try LoadedModel(model.directory, languageModels: true)
        let text = try #require(try loaded.languageModelText(DataColumns(), maxLength: 64))
        let matcher = TokenMatcher(tokenizer, vocabularySize: tokenizer.vocabularySize)
        var generator = SeededGenerator(seed: 5)
        var refused = 0
        for round in 0..<300 {
            var bytes = Array(
                trained.map { line($0, tokenizer, Form.allCases[round % 4]) }.joined(separator: "\n").utf8)
            for _ in 0..<3 {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[place] = Array(#"0123456789-e.,:[]{}"nx\"#.utf8).randomElement(using: &generator) ?? 0
            }
            let url = scratch.appending(path: "mutated.jsonl")
            try Data(bytes).write(to: url)
            let file = LogprobsFile(url: url, text: text, outcomes: 5, matcher: matcher)
            let store = OutputStore(loaded.outputForm(.topK(5)))
            do {
                _ = try file.read(for: data, into: store)
                try store.flush()
            } catch {
                #expect("\(error)".contains("mutated.jsonl"), "\(error)")
                refused += 1
            }
        }
        #expect(refused > 100)
    }

    @Test("what does not fit is an error that names file, line and token")
    func refused() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (model, trained, tokenizer) = try prepared()
        let lines = trained.map { line($0, tokenizer, .chat) }
        func refuses(_ lines: [String], _ parts: String..., change: (inout DistillRequest) -> Void = { _ in })
            throws
        {
            var request = request(model.directory, try write(lines))
            change(&request)
            let error = #expect(throws: (any Error).self) { try DistillationRun(request).run() }
            let text = error.map { "\($0)" } ?? ""
            for part in parts { #expect(text.contains(part), "'\(text)' lacks '\(part)'") }
            #expect(!text.contains("\n"), "\(text)")
        }
        func changing(_ index: Int, _ line: String) -> [String] {
            var changed = lines
            changed[index] = line
            return changed
        }
        var other = trained[2]
        other[1] += 1
        try refuses(
            changing(2, line(other, tokenizer, .chat)), "logprobs.jsonl, line 3: token 2 is '", "in the text")
        try refuses(
            changing(4, line(Array(trained[4].dropLast(3)), tokenizer, .chat)), "line 5: token",
            "is missing: the text goes on")
        try refuses(
            changing(1, line(trained[1] + [5, 6], tokenizer, .chat)), "line 2: token", "one too many")
        try refuses(Array(lines.dropLast()), "has 47 lines", "line 48")
        try refuses(lines + [lines[0]], "line 49", "no record for this line")
        try refuses(changing(0, #"{"text": "no"}"#), "line 1: token 1 is not there", "'top_logprobs'")
        try refuses(
            changing(0, lines[0].replacing(#""logprob":-0."#, with: #""logprob":0."#)),
            "line 1: token 1 has no 'logprob'")
        try refuses(lines, "of which top-k:2 keeps fewer; pass --teacher-states top-k:3") {
            $0.teacherStates = .topK(2)
        }
        try refuses(lines, "there are 1 files for the 2 data files") { $0.test = data }
        try refuses(lines, "log-probabilities alone") {
            $0.objectives = [ObjectiveSpecification("hidden_mse")]
        }
    }
}
