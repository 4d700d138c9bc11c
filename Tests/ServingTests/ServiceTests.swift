import DistillRuntime
import Foundation
import JSON
import Testing
import Tokenizers

@testable import Serving

@Suite("Answers")
struct ServiceTests {
    @Test("the scores of the runtime, in descending order, alone and in a batch")
    func scores() async throws {
        let service = try PredictService()
        let texts = ["A film to remember.", "terrible", "It is a long story.", "fine"]
        let expected = try TextClassifier(tinyTeacher.path).predictions(texts.map { TextPair($0) })
            .predictions
        let batch = try await service.answer(["inputs": .array(texts.map { [.string($0)] })])
        for (index, text) in texts.enumerated() {
            let single = try await service.answer(["inputs": .string(text)])
            #expect(batch.arrayValue?[index] == single)
            let scores = try #require(expected[index].scores).sorted { $0.value > $1.value }
            #expect(
                single
                    == .array(scores.map { ["score": .number($0.value), "label": .string($0.label)] }))
        }
    }

    @Test("raw scores are the logits, of pairs too")
    func rawScores() async throws {
        let service = try PredictService()
        let logits = try TextClassifier(tinyTeacher.path).logits([TextPair("good", pair: "bad")])
        let answer = try await service.answer(["inputs": ["good", "bad"], "raw_scores": true])
        let scores = answer.arrayValue?.compactMap { $0.objectValue?["score"]?.doubleValue }
        #expect(scores == logits.map(Double.init).sorted(by: >))
    }

    @Test("a model that may choose several labels has a probability of its own for each")
    func multiLabel() async throws {
        let scratch = try Scratch()
        let path = try scratch.model("multi", ["problem_type": "multi_label_classification"])
        let service = try PredictService(path)
        let raw = try await service.answer(["inputs": "good", "raw_scores": true]).arrayValue ?? []
        let answer = try await service.answer(["inputs": "good"]).arrayValue ?? []
        #expect(raw.count == 2)
        for (logit, score) in zip(raw, answer) {
            let expected = 1 / (1 + exp(-(try #require(logit.objectValue?["score"]?.doubleValue))))
            #expect(score.objectValue?["score"]?.doubleValue == expected)
        }
    }

    @Test("a text that is too long is an error, or cut at the end that is wanted")
    func truncation() async throws {
        let service = try PredictService()
        let words = (0..<90).map { $0 % 7 == 0 ? "b" : "a" } + ["m"]
        let text = JSONValue.string(words.joined(separator: " "))
        let error = await #expect(throws: ServingError.self) { try await service.answer(["inputs": text]) }
        #expect(error?.kind == .validation)
        #expect(
            error?.message.contains("at most 64 tokens, 93 were given") == true, "\(error?.message ?? "")")
        let right = try await service.answer(["inputs": text, "truncate": true, "raw_scores": true])
        let kept = JSONValue.string(words.prefix(62).joined(separator: " "))
        #expect(try await right == service.answer(["inputs": kept, "raw_scores": true]))
        let left = try await service.answer(
            ["inputs": text, "truncate": true, "truncation_direction": "Left", "raw_scores": true])
        let last = JSONValue.string(words.suffix(62).joined(separator: " "))
        #expect(try await left == service.answer(["inputs": last, "raw_scores": true]))
        let cutting = try PredictService { $0.autoTruncate = true }
        #expect(try await cutting.answer(["inputs": text, "raw_scores": true]) == right)
    }

    @Test("empty texts, too many texts, and models that are not there")
    func refusals() async throws {
        let service = try PredictService { $0.maxClientBatchSize = 2 }
        for (body, kind) in [
            (["inputs": ""], .empty), (["inputs": ["", ""]], .empty), (["inputs": [["a"], [""]]], .empty),
            (["inputs": [["a"], ["b"], ["c"]]], .validation),
        ] as [(JSONValue, ServingError.Kind)] {
            let error = await #expect(throws: ServingError.self) { try await service.answer(body) }
            #expect(error?.kind == kind)
        }
        let error = await #expect(throws: ServingError.self) {
            try await service.answer(["inputs": "a"], model: "other")
        }
        #expect(error?.status == 404)
        #expect(error?.message.contains("tiny") == true)
        #expect(try await service.answer(["inputs": ["a", ""]]).arrayValue?.count == 2)
    }

    @Test("a tagger answers with the entities of transformers' pipeline, of long texts too")
    func tagger() async throws {
        let scratch = try Scratch()
        let path = try scratch.tagger()
        let service = try PredictService(path)
        let long = Array(repeating: "a film that 𝒜 never ends", count: 40).joined(separator: " ")
        let texts = ["A film to remember.", "bad", long]
        let tagger = try TokenTagger(path)
        let expected = try await tagger.predict(texts).map { JSONValue.array($0.map(\.json)) }
        #expect(expected.contains { $0.arrayValue?.isEmpty == false })
        let answer = try await service.answer(["inputs": .array(texts.map { [.string($0)] })])
        #expect(answer == .array(expected))
        let cut = try await service.answer(["inputs": .string(long), "truncate": true])
        #expect(cut != expected[2])
        for body in [["inputs": ["a", "b"]], ["inputs": "a", "raw_scores": true]] as [JSONValue] {
            let error = await #expect(throws: ServingError.self) { try await service.answer(body) }
            #expect(error?.kind == .validation)
        }
    }

    @Test("what it cost is in the headers and the metrics")
    func costs() async throws {
        let service = try PredictService()
        let answer = try await service.answer(.predict, Array(#"{"inputs":["good","é"]}"#.utf8), model: nil)
        let headers = Dictionary(uniqueKeysWithValues: answer.headers.map { ($0.name, $0.value) })
        #expect(
            Set(headers.keys) == [
                "x-compute-type", "x-compute-time", "x-compute-characters", "x-compute-tokens",
                "x-total-time",
                "x-tokenization-time", "x-queue-time", "x-inference-time",
            ])
        #expect(headers["x-compute-characters"] == "5")
        let tokens = try service.models.current.first.tokenizer.encode("good", pair: "é").ids.count
        #expect(headers["x-compute-tokens"] == "\(tokens)")
        _ = try? await service.answer(.predict, Array("{".utf8), model: nil)
        let text = service.metricsText
        for line in [
            "te_request_count{method=\"single\"} 1", "te_request_success{method=\"single\"} 1",
            "te_request_failure{err=\"validation\"} 1", "te_predict_success 1", "te_queue_size 0",
            "te_request_duration_count 1", "te_batch_next_size_sum 1.0",
            "te_request_input_length_sum \(tokens).0",
        ] {
            #expect(text.contains(line + "\n"), "\(line)")
        }
    }

    @Test("info has the keys of text-embeddings-inference")
    func info() throws {
        let service = try PredictService()
        let info = try #require(service.info(service.models.current.first).objectValue)
        #expect(
            info.keys == [
                "model_id", "model_sha", "model_dtype", "model_type", "max_concurrent_requests",
                "max_input_length", "max_batch_tokens", "max_client_batch_size", "auto_truncate",
                "tokenization_workers", "version",
            ])
        let expected: JSONValue = [
            "classifier": [
                "id2label": ["0": "negative", "1": "positive"], "label2id": ["negative": 0, "positive": 1],
            ]
        ]
        #expect(info["model_type"] == expected)
        #expect(info["max_input_length"] == 64)
    }

    @Test("models with one name, limits that do not fit and missing directories are errors that name them")
    func opening() throws {
        func message(_ texts: [String], _ limits: ServingLimits = ServingLimits()) -> String {
            do {
                _ = try PredictService(texts.map { try ModelReference($0) }, ModelOptions(), limits)
                return ""
            } catch { return (error as? ServingError)?.message ?? "\(error)" }
        }
        let path = tinyTeacher.path
        #expect(message(["a=\(path)", "a=\(path)"]).contains("two models are called 'a'"))
        #expect(message(["a=/nowhere"]).contains("/nowhere"))
        #expect(message([]).contains("--model"))
        var limits = ServingLimits()
        limits.maxBatchTokens = 10
        #expect(message(["a=\(path)"], limits).contains("--max-batch-tokens 10"))
    }

    @Test("a reload serves what is there now; where it fails, what was there")
    func reload() async throws {
        let scratch = try Scratch()
        let path = try scratch.model("m")
        let service = try PredictService(path)
        let labels: JSONObject = ["id2label": ["0": "no", "1": "yes"], "label2id": ["no": 0, "yes": 1]]
        _ = try scratch.model("m", labels)
        let before = try await service.answer(["inputs": "good"])
        try service.models.reload()
        let after = try await service.answer(["inputs": "good"])
        #expect(before != after)
        #expect(
            after.serialized()
                == before.serialized().replacing("positive", with: "yes").replacing("negative", with: "no"))
        try FileManager.default.removeItem(atPath: path + "/config.json")
        #expect(throws: (any Error).self) { try service.models.reload() }
        #expect(try await service.answer(["inputs": "good"]) == after)
    }

    @Test("the description of the API has what the models answer, and nothing else")
    func description() async throws {
        let scratch = try Scratch()
        func paths(_ service: PredictService) -> [String] {
            service.openAPI(hasKey: true).objectValue?["paths"]?.objectValue?.keys ?? []
        }
        let embedding = paths(try PredictService(scratch.embedder()))
        #expect(embedding.contains("/embed") && embedding.contains("/models/{model}/v1/embeddings"))
        #expect(!embedding.contains("/predict") && !embedding.contains("/rerank"))
        let classifier = paths(try PredictService())
        #expect(classifier.contains("/predict") && classifier.contains("/tokenize"))
        #expect(!classifier.contains("/embed") && !classifier.contains("/rerank"))
        #expect(paths(try PredictService(scratch.reranker())).contains("/rerank"))
        // All references lead somewhere.
        let document = try PredictService(scratch.embedder()).openAPI(hasKey: false)
        let schemas = document.objectValue?["components"]?.objectValue?["schemas"]?.objectValue?.keys ?? []
        let text = document.serialized()
        for part in text.split(separator: "#/components/schemas/").dropFirst() {
            let name = String(part.prefix { $0 != "\"" })
            #expect(schemas.contains(name), "\(name)")
        }
    }
}
