import Files
import Foundation
import JSON
import TestSupport
import Testing
import Tokenizers

@testable import Distillation

/// What scripts/fixtures/language_model_scores.py has computed with transformers.
@Suite("Texts are scored by bytes, and choices answered, as lm-eval does")
struct LanguageModelScoresTests {
    private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let fixtures = tests.appending(path: "DistillationTests/Fixtures/scores")

    private static func golden() throws -> JSONObject {
        try #require(try JSONValue.load(contentsOf: fixtures.appending(path: "scores.json")).objectValue)
    }

    /// The elements of a list, in one form.
    private static func list<Element>(_ value: JSONValue?, _ form: (JSONValue) -> Element?) -> [Element] {
        (value?.arrayValue ?? []).compactMap(form)
    }

    /// A tiny model beside the tokenizer that it belongs to.
    private func model(_ name: String, in folder: URL) throws -> URL {
        let directory = folder.appending(path: name)
        try FileManager.default.copyItem(at: Self.fixtures.appending(path: name), to: directory)
        let tokenizer = Self.tests.appending(path: "ConversationsTests/Fixtures/\(name)")
        for file in ["tokenizer.json", "tokenizer_config.json"] {
            try FileManager.default.copyItem(
                at: tokenizer.appending(path: file), to: directory.appending(path: file))
        }
        return directory
    }

    private func write(_ rows: [JSONValue], to url: URL) throws {
        try rows.map { $0.serialized() + "\n" }.joined().write(to: url, atomically: true, encoding: .utf8)
    }

    @Test("perplexity by token and by byte", arguments: ["bytes", "pieces"], ["texts", "completions"])
    func bytes(_ name: String, _ kind: String) throws {
        try withTemporaryDirectory { folder in
            let golden = try Self.golden()
            let data = folder.appending(path: "data.jsonl")
            try write(try #require(golden[kind]?.arrayValue), to: data)
            var request = EvaluateRequest(model: try model(name, in: folder), data: data)
            request.latencySamples = 0
            request.cache.directory = folder.appending(path: "cache")
            // Twice: as it was tokenized, and as the cache has it.
            for _ in 0..<2 {
                let report = try EvaluationRun(request).run()
                let expected = try #require(
                    golden["models"]?.objectValue?[name]?.objectValue?[kind]?.objectValue)
                #expect(report.model.examples == expected["tokens"]?.intValue)
                for metric in [MetricName.loss, .perplexity, .bytePerplexity, .bitsPerByte] {
                    let value = try #require(report.model.metrics[metric])
                    let wanted = try #require(expected[metric.rawValue]?.doubleValue)
                    #expect(abs(value - wanted) < 2e-5 * wanted, "\(metric): \(value), \(wanted)")
                }
            }
        }
    }

    @Test("a token's bytes are those it adds to a text", arguments: ["bytes", "pieces", "begin"])
    func tokens(_ name: String) throws {
        let tokenizer = try Tokenizer.load(
            directory: Self.tests.appending(path: "ConversationsTests/Fixtures/\(name)"))
        let counts = try tokenizer.byteCounts()
        #expect(counts.count == Int(tokenizer.largestTokenID) + 1)
        for text in ["The wren is small.", "Café à l’île – 3 €", "🙂🙃 xyz", "\n\n  a"] {
            let ids = try tokenizer.encode(text, addSpecialTokens: false).ids
            let sum = ids.reduce(0) { $0 + Int(counts[Int($1)]) }
            // The tokenizer of pieces puts a space before a text.
            #expect(sum == text.utf8.count + (name == "pieces" ? 1 : 0), "\(text)")
        }
        for special in [tokenizer.bosTokenID, tokenizer.eosTokenID] {
            if let special { #expect(counts[Int(special)] == 0) }
        }
    }

    @Test(
        "log-likelihoods, what is chosen by them, and accuracies, also of ties and of choices of several tokens",
        arguments: ["bytes", "pieces"], [1, 3, 64])
    func choices(_ name: String, _ batchSize: Int) throws {
        try withTemporaryDirectory { folder in
            let golden = try Self.golden()
            let file = folder.appending(path: "questions.jsonl")
            try write(try #require(golden["questions"]?.arrayValue), to: file)
            var request = ChoiceRequest(model: try model(name, in: folder), choices: [file])
            request.batchSize = batchSize
            let expected = try #require(
                golden["models"]?.objectValue?[name]?.objectValue?["choices"]?.objectValue)
            let questions = Self.list(expected["questions"], \.objectValue)

            let run = try ChoiceRun(request)
            let read = try ChoiceFile(file)
            let loaded = try LoadedModel(request.model, languageModels: true)
            let answers = try run.answers(of: loaded, read, try RunLog({ _ in }), nil, { false }).answers
            #expect(answers.count == questions.count)
            for (index, (answer, wanted)) in zip(answers, questions).enumerated() {
                let values = Self.list(wanted["log_likelihoods"], \.doubleValue)
                #expect(values.count == answer.logLikelihoods.count)
                for (own, other) in zip(answer.logLikelihoods, values) {
                    #expect(abs(own - other) < 1e-5 * abs(other), "question \(index + 1)")
                }
                #expect(answer.chosen == Self.list(wanted["chosen"], \.intValue))
            }
            // The same text has the same bits wherever it stands.
            #expect(answers[1].logLikelihoods[1] == answers[1].logLikelihoods[2])
            #expect(answers[2].logLikelihoods[0] == answers[2].logLikelihoods[1])

            request.teacher = request.model
            let evaluation = try ChoiceRun(request).run()
            let report = evaluation.tasks[0]
            let accuracies = [report.model.acc, report.model.accNorm, report.model.accBytes]
            #expect(accuracies.map(\.value) == Self.list(expected["accuracy"], \.doubleValue))
            for (own, wanted) in zip(accuracies, expected["standard_error"]?.arrayValue ?? []) {
                #expect(abs(own.standardError - (wanted.doubleValue ?? .nan)) < 1e-9)
                #expect(own.low < own.value && own.value < own.high)
            }
            #expect(report.teacher == report.model && report.difference?.acc.difference == 0)
            #expect(report.cutChoices == 0 && report.data.examples == questions.count)
            // A model keeps all of itself.
            let kept = try #require(evaluation.summary.retention?.acc)
            #expect(kept.value == 1 && kept.lower == 1 && kept.upper == 1)
            #expect(evaluation.summary.model.accNorm == report.model.accNorm.value)
        }
    }

    @Test("Wilson's interval of 3 of 10, and of none and all")
    func interval() {
        // Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion", 2001, equation 4.
        let three = ChoiceAccuracy([true, true, true] + [Bool](repeating: false, count: 7))
        #expect(abs(three.low - 0.1077912674) < 1e-8 && abs(three.high - 0.6032218525) < 1e-8)
        #expect(ChoiceAccuracy([false]).low == 0 && ChoiceAccuracy([true]).high == 1)
    }

    @Test("the forms of other data sets are read: ARC's labels, HellaSwag's endings, a choice itself")
    func forms() throws {
        try withTemporaryDirectory { folder in
            let file = folder.appending(path: "q.jsonl")
            try write(
                [
                    [
                        "question": "q", "choices": ["text": ["a", "b"], "label": ["A", "B"]],
                        "answerKey": "B",
                    ], ["ctx": "q", "endings": ["a", "b", "c"], "label": "2"],
                    ["query": "q", "choices": ["yes", "no"], "answer": "no"],
                    ["context": "", "choices": ["7", "0"], "gold": "7"],
                    // Keys of one meaning that agree.
                    [
                        "query": "q", "question": "q", "choices": ["a", "b"], "endings": ["a", "b"],
                        "gold": [0, 1],
                        "answer": ["b", "a"],
                    ],
                ], to: file)
            let questions = try ChoiceFile(file).questions
            #expect(questions.map(\.gold) == [[1], [2], [1], [0], [0, 1]])
            #expect(
                questions.map(\.query) == ["q", "q", "q", "", "q"] && questions[0].choices == ["a", "b"])
        }
    }

    @Test(
        "what is wrong is said with file and line",
        arguments: [
            (#"{"query": "q", "choices": ["a", "b"]}"#, "there is no 'gold'"),
            (
                #"{"context": "p", "question": "q", "choices": ["a", "b"], "gold": 0}"#,
                "'question' and 'context' mean the same here and differ; give all that stands before a choice as one text, in 'query'"
            ),
            (
                #"{"query": "q", "ctx": 3, "choices": ["a", "b"], "gold": 0}"#,
                "'query' and 'ctx' mean the same"
            ),
            (
                #"{"query": "q", "choices": ["a", "b"], "endings": ["b", "a"], "gold": 0}"#,
                "'choices' and 'endings' mean the same"
            ),
            (
                #"{"query": "q", "choices": ["a", "b"], "gold": 0, "label": 1}"#,
                "'gold' and 'label' mean the same"
            ),
            (
                #"{"query": "q", "choices": ["a", "b"], "gold": 0, "answer": "z"}"#,
                "'gold' and 'answer' mean the same"
            ),
            (#"{"choices": ["a", "b"], "gold": 0}"#, "there is no 'query'"),
            (#"{"query": "q", "gold": 0}"#, "there is no 'choices'"),
            (#"{"query": "q", "choices": ["a"], "gold": 0}"#, "two or more choices"),
            (#"{"query": "q", "choices": ["a", ""], "gold": 0}"#, "choice 2 is empty"),
            (#"{"query": "q", "choices": ["a", 2], "gold": 0}"#, "choice 2 must be a text"),
            (#"{"query": "q", "choices": "ab", "gold": 0}"#, "must be a list"),
            (#"{"query": "q", "choices": ["a", "b"], "gold": 2}"#, "numbered 0 to 1"),
            (#"{"query": "q", "choices": ["a", "b"], "gold": -1}"#, "numbered 0 to 1"),
            (#"{"query": "q", "choices": ["a", "b"], "gold": "z"}"#, "'gold' must be"),
            (#"{"query": "q", "choices": ["1", "0"], "gold": "0"}"#, "another's label or index"),
            (
                #"{"query": "q", "choices": {"text": ["a", "b"], "label": ["1", "2"]}, "gold": 1}"#,
                "one choice's index and another's label"
            ),
            (#"{"query": "q", "choices": ["a", "b"], "gold": []}"#, "empty list"),
            (#"{"query": 1, "choices": ["a", "b"], "gold": 0}"#, "'query' must be a text"),
            (#"{"query": "q", "choices": ["a", "LONG"], "gold": 0}"#, "the model reads 96"),
        ])
    func refused(_ line: String, _ reason: String) throws {
        try withTemporaryDirectory { folder in
            let file = folder.appending(path: "q.jsonl")
            let line = line.replacing("LONG", with: String(repeating: "xyz ", count: 60))
            try (#"{"query": "q", "choices": ["a", "b"], "gold": 0}"# + "\n" + line + "\n").write(
                to: file, atomically: true, encoding: .utf8)
            let request = ChoiceRequest(model: try model("bytes", in: folder), choices: [file])
            let error = #expect(throws: (any Error).self) { try ChoiceRun(request).run() }
            let text = error.map { "\($0)" } ?? ""
            #expect(text.contains("q.jsonl, line 2: ") && text.contains(reason), "\(text)")
        }
    }

    @Test("an encoder gives choices no probability, and a long question loses its beginning")
    func others() throws {
        try withTemporaryDirectory { folder in
            let file = folder.appending(path: "q.jsonl")
            try write([["query": "q", "choices": ["a", "b"], "gold": 0]], to: file)
            let error = #expect(throws: DistillationError.self) {
                try ChoiceRun(ChoiceRequest(model: Support.teacher, choices: [file])).run()
            }
            #expect(error?.description.contains("is no language model") == true)
            let long = String(repeating: "wren ", count: 100)
            try write([["query": .string(long), "choices": ["a", "b"], "gold": 0]], to: file)
            var request = ChoiceRequest(model: try model("bytes", in: folder), choices: [file])
            let report = try ChoiceRun(request).run().tasks[0]
            #expect(report.cutChoices == 2)
            request.choices = [file, folder.appending(path: "./q.jsonl")]
            let twice = #expect(throws: DistillationError.self) { try ChoiceRun(request) }
            #expect(twice?.description.contains("q.jsonl: is given twice") == true)
            request.choices = []
            #expect(throws: DistillationError.self) { try ChoiceRun(request) }
            (request.choices, request.maxLength) = ([file], 1)
            #expect(throws: DistillationError.self) { try ChoiceRun(request) }
        }
    }
}
