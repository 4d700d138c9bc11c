import DistillRuntime
import Foundation
import JSON
import Testing

@testable import Serving

/// Answers of embedding models and re-rankers, held to sentence-transformers' (`scripts/fixtures/served_embeddings.py`).
@Suite("Vectors and ranks")
struct EmbeddingServiceTests {
    private let scratch: Scratch
    private static let inputs = JSONValue.array(Golden.texts.map { .string($0) })

    init() throws { scratch = try Scratch() }

    private func embedder(_ change: (inout ServingLimits) -> Void = { _ in }) throws -> PredictService {
        try PredictService(scratch.embedder(), change)
    }

    private func error(
        _ service: PredictService, _ endpoint: Endpoint, _ body: JSONValue, model: String? = nil
    ) async -> ServingError? {
        do {
            _ = try await service.ask(endpoint, body, model: model)
            return nil
        } catch { return error }
    }

    @Test("/embed: normalized though the directory has no Normalize, as they are, cut, with a prompt")
    func embed() async throws {
        let service = try embedder()
        for (more, key) in [
            ([:], "normalized"), (["normalize": true], "normalized"), (["normalize": false], "plain"),
            (["dimensions": 8], "dimensions_8"), (["prompt_name": "query"], "prompted"),
            (["dimensions": nil, "prompt_name": nil, "truncate": nil], "normalized"),
        ] as [(JSONObject, String)] {
            var body = more
            body["inputs"] = Self.inputs
            let answer = try await service.ask(.embed, .object(body))
            Golden.expect(Golden.rows(answer), Golden.rows(Golden.all[key]))
        }
        let alone = try await service.ask(.embed, ["inputs": .string(Golden.texts[0])])
        let together = try await service.ask(.embed, ["inputs": Self.inputs])
        #expect(alone.arrayValue?.count == 1 && alone.arrayValue?[0] == together.arrayValue?[0])
        // Their digits are those of `distill predict`, without the normalization.
        let plain = try await service.answer(
            .embed, Array(#"{"inputs":"good","normalize":false}"#.utf8), model: nil
        ).body
        let own = try TextEmbedder(service.models.current.first.path).vectors(["good"])
        #expect(plain == "[[" + own.values.map { "\($0)" }.joined(separator: ",") + "]]")
    }

    @Test("/embed_all: the vectors of tokens, beside requests for whole texts in one batch")
    func tokens() async throws {
        let service = try embedder()
        let answer = try await service.ask(.embedAll, ["inputs": Self.inputs])
        let golden = Golden.all["tokens"]?.arrayValue ?? []
        #expect(answer.arrayValue?.count == golden.count && golden.count == 4)
        for (own, expected) in zip(answer.arrayValue ?? [], golden) {
            Golden.expect(Golden.rows(own), Golden.rows(expected))
        }
        let whole = try await service.ask(.embed, ["inputs": Self.inputs])
        service.batches.pause()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<10 {
                let endpoint = index % 2 == 0 ? Endpoint.embedAll : .embed
                let expected = index % 2 == 0 ? answer : whole
                group.addTask { try await service.ask(endpoint, ["inputs": Self.inputs]) == expected }
            }
            while service.batches.waitingCount < 40 { try await Task.sleep(for: .milliseconds(1)) }
            service.batches.resume()
            for try await isSame in group { #expect(isSame) }
        }
    }

    @Test("token ids, as /tokenize gives them, are the text; /decode gives it back")
    func identifiers() async throws {
        let service = try embedder()
        let tokenized = try await service.ask(.tokenize, ["inputs": Self.inputs])
        #expect(tokenized == Golden.all["tokenized"])
        let bare = try await service.ask(.tokenize, ["inputs": Self.inputs, "add_special_tokens": false])
        #expect(bare == Golden.all["tokenized_bare"])
        let lists = (tokenized.arrayValue ?? []).map { text -> JSONValue in
            let tokens: [JSONValue] = text.arrayValue ?? []
            return .array(tokens.compactMap { $0.objectValue?["id"] })
        }
        let ids = JSONValue.array(lists)
        let texts = try await service.ask(.embed, ["inputs": Self.inputs])
        #expect(try await service.ask(.embed, ["inputs": ids]) == texts)
        #expect(
            try await service.ask(.embed, ["inputs": lists[1]]).arrayValue?[0]
                == texts.arrayValue?[1])
        let mixed = JSONValue.array([.string(Golden.texts[0]), lists[1]])
        #expect(
            try await service.ask(.embed, ["inputs": mixed]).arrayValue?[...] == texts.arrayValue?.prefix(2))
        #expect(try await service.ask(.decode, ["ids": ids]) == Golden.all["decoded"])
        #expect(
            try await service.ask(.decode, ["ids": ids, "skip_special_tokens": false])
                == Golden.all["decoded_special"])
        let prompted = try await service.ask(
            .tokenize, ["inputs": "film", "prompt_name": "query", "add_special_tokens": false])
        #expect(
            prompted
                == (try await service.ask(
                    .tokenize, ["inputs": "good film : film", "add_special_tokens": false])))
        for body in [["inputs": [1, 100_000]], ["inputs": [[198]]]] as [JSONValue] {
            #expect(await error(service, .embed, body)?.message.contains("is the id of no token") == true)
        }
        #expect(await error(service, .decode, ["ids": [198]])?.kind == .validation)
    }

    @Test("/similarity: cosines, whatever the lengths of the vectors")
    func similarity() async throws {
        let service = try embedder()
        let sentences = JSONValue.array(Golden.texts.dropFirst().map { .string($0) })
        let body: JSONObject = [
            "inputs": ["source_sentence": .string(Golden.texts[0]), "sentences": sentences]
        ]
        let answer = try await service.ask(.similarity, .object(body))
        Golden.expect(Golden.numbers(answer), Golden.numbers(Golden.all["similarity"]))
        var prompted = body
        prompted["parameters"] = ["prompt_name": "query", "truncate": true]
        let other = Golden.numbers(try await service.ask(.similarity, .object(prompted)))
        let vectors = Golden.rows(Golden.all["prompted"])
        let products = vectors.dropFirst().map { vector -> Double in
            zip(vectors[0], vector).reduce(0.0) { sum, pair in sum + pair.0 * pair.1 }
        }
        Golden.expect(other, products)
        let small = try embedder { $0.maxClientBatchSize = 3 }
        #expect(
            await error(small, .similarity, .object(body))?.message
                == "batch size 4 > maximum allowed batch size 3")
    }

    @Test("/v1/embeddings: OpenAI's form, floats and Base64, with the tokens that were read")
    func openAI() async throws {
        let service = try embedder()
        let answer = try await service.ask(.embeddings, ["input": Self.inputs, "model": "anything"])
        let object = try #require(answer.objectValue)
        #expect(object["object"] == "list" && object["model"] == "tiny")
        let data = object["data"]?.arrayValue?.compactMap(\.objectValue) ?? []
        #expect(data.map { $0["index"]?.intValue } == [0, 1, 2, 3])
        #expect(data.allSatisfy { $0["object"] == "embedding" })
        Golden.expect(data.map { Golden.numbers($0["embedding"]) }, Golden.rows(Golden.all["normalized"]))
        let tokenized: [JSONValue] = Golden.all["tokenized"]?.arrayValue ?? []
        let count = tokenized.reduce(0) { (sum: Int, text: JSONValue) in sum + (text.arrayValue?.count ?? 0) }
        #expect(object["usage"] == ["prompt_tokens": .integer(count), "total_tokens": .integer(count)])
        let encoded = try await service.ask(
            .embeddings, ["input": Self.inputs, "encoding_format": "base64", "dimensions": 8])
        let texts = encoded.objectValue?["data"]?.arrayValue?.compactMap {
            $0.objectValue?["embedding"]?.stringValue
        }
        let vectors = try #require(texts).map { text -> [Double] in
            let data = try #require(Data(base64Encoded: text))
            return data.withUnsafeBytes { bytes in
                stride(from: 0, to: bytes.count, by: 4).map { start in
                    let bits = bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self)
                    return Double(Float(bitPattern: UInt32(littleEndian: bits)))
                }
            }
        }
        Golden.expect(vectors, Golden.rows(Golden.all["dimensions_8"]))
    }

    @Test("of several models OpenAI's body names one; a name that none has is an error")
    func names() async throws {
        let service = try PredictService([
            ModelReference("first=\(try scratch.model("m"))"), ModelReference("second=\(scratch.embedder())"),
        ])
        let body: JSONObject = ["input": "good"]
        var named = body
        named["model"] = "second"
        let answer = try await service.ask(.embeddings, .object(named))
        #expect(answer.objectValue?["model"] == "second")
        #expect(try await service.ask(.embeddings, .object(body), model: "second") == answer)
        #expect(await error(service, .embeddings, .object(body))?.isUnfit == true)
        named["model"] = "third"
        #expect(await error(service, .embeddings, .object(named))?.status == 404)
        // A path that names the model has the last word.
        #expect(try await service.ask(.embeddings, .object(named), model: "second") == answer)
    }

    @Test("/rerank: the texts by their scores, sigmoids or logits")
    func rerank() async throws {
        let service = try PredictService(scratch.reranker())
        for (raw, key) in [(false, "scores"), (true, "logits")] {
            let body: JSONValue = [
                "query": .string(Golden.all["query"]?.stringValue ?? ""), "texts": Self.inputs,
                "raw_scores": .bool(raw), "return_text": .bool(raw),
            ]
            let ranks = try await service.ask(.rerank, body).arrayValue?.compactMap(\.objectValue) ?? []
            let golden = Golden.numbers(Golden.all[key])
            let order = golden.indices.sorted { golden[$0] > golden[$1] }
            #expect(ranks.map { $0["index"]?.intValue } == order)
            Golden.expect(ranks.compactMap { $0["score"]?.doubleValue }, order.map { golden[$0] })
            #expect(
                ranks.map { $0["text"]?.stringValue } == order.map { raw ? Golden.texts[$0] : nil })
        }
        // Its own score for a text is a prediction too.
        let single = try await service.ask(.predict, ["inputs": ["a good film", "Good film!"]]).arrayValue
        #expect(single?.count == 1)
        Golden.expect(
            [single?[0].objectValue?["score"]?.doubleValue ?? 0], [Golden.numbers(Golden.all["scores"])[2]])
    }

    @Test("what a kind of model has no answer for is an error that names what it answers")
    func unfit() async throws {
        let embedding = try PredictService(scratch.embedder())
        let classifier = try PredictService()
        let tagger = try PredictService(scratch.tagger())
        let bodies: [Endpoint: JSONValue] = [
            .predict: ["inputs": "a"], .rerank: ["query": "a", "texts": ["b"]], .embed: ["inputs": "a"],
            .embedAll: ["inputs": "a"], .embedSparse: ["inputs": "a"], .embeddings: ["input": "a"],
            .similarity: ["inputs": ["source_sentence": "a", "sentences": ["b"]]],
        ]
        for (service, endpoints, named) in [
            (
                embedding, [.predict, .rerank, .embedSparse],
                "/embed, /embed_all, /similarity, /v1/embeddings"
            ),
            (classifier, [.rerank, .embed, .embedAll, .embedSparse, .similarity, .embeddings], "/predict"),
            (tagger, [.rerank, .embed, .similarity], "/predict"),
        ] as [(PredictService, [Endpoint], String)] {
            for endpoint in endpoints {
                let error = await error(service, endpoint, bodies[endpoint] ?? nil)
                #expect(error?.kind == .backend && error?.status == 424 && error?.isUnfit == true)
                #expect(error?.message.hasPrefix("model is not ") == true)
                #expect(error?.message.contains(named) == true, "\(error?.message ?? "")")
            }
            #expect(
                service.metricsText.contains("te_request_failure{err=\"model_type\"} \(endpoints.count)\n"))
        }
        let prompted = await error(classifier, .tokenize, ["inputs": "a", "prompt_name": "query"])
        #expect(prompted?.message.contains("`prompt_name` is for embedding models") == true)
    }

    @Test("texts that are empty or too long, prompts and dimensions that there are not")
    func refusals() async throws {
        let service = try embedder { $0.maxClientBatchSize = 2 }
        let long = JSONValue.string(Array(repeating: "film", count: 100).joined(separator: " "))
        for (body, kind, part) in [
            (["inputs": ""], .empty, "cannot be empty"), (["inputs": ["a", ""]], .empty, "cannot be empty"),
            (["inputs": long], .validation, "at most 64 tokens, 102 were given"),
            (["inputs": "a", "dimensions": 33], .validation, "have 32 components"),
            (["inputs": "a", "prompt_name": "passage"], .validation, "it has 'query'"),
            (["inputs": ["a", "b", "c"]], .validation, "batch size 3 > maximum allowed batch size 2"),
            (["inputs": .array(Array(repeating: 5, count: 65))], .validation, "at most 64 tokens"),
        ] as [(JSONValue, ServingError.Kind, String)] {
            let error = await error(service, .embed, body)
            #expect(error?.kind == kind && error?.message.contains(part) == true, "\(error?.message ?? "")")
        }
        // One of them has too many texts.
        #expect(service.metricsText.contains("te_request_failure{err=\"batch_size\"} 1\n"))
        #expect(service.metricsText.contains("te_request_failure{err=\"validation\"} 6\n"))
        #expect(await error(service, .embeddings, ["input": long])?.kind == .validation)
        let words = (0..<80).map { $0 % 7 == 0 ? "b" : "a" } + ["m"]
        func embed(_ words: some Collection<String>, _ more: JSONObject) async throws -> JSONValue {
            var body = more
            body["inputs"] = .string(words.joined(separator: " "))
            return try await service.ask(.embed, .object(body))
        }
        #expect(try await embed(words, ["truncate": true]) == embed(words.prefix(62), [:]))
        #expect(
            try await embed(words, ["truncate": true, "truncation_direction": "left"])
                == embed(words.suffix(62), [:]))
    }

    @Test("info names the kind; the metrics count texts that were made vectors")
    func info() async throws {
        let service = try embedder()
        let info = try #require(service.info(service.models.current.first).objectValue)
        #expect(info["model_type"] == ["embedding": ["pooling": "mean"]])
        #expect(info["max_input_length"] == 64)
        let ranking = try PredictService(scratch.reranker())
        #expect(
            ranking.info(ranking.models.current.first).objectValue?["model_type"]
                == ["reranker": ["id2label": ["0": "LABEL_0"], "label2id": ["LABEL_0": 0]]])
        _ = try await service.ask(.embed, ["inputs": Self.inputs])
        for line in [
            "te_embed_count 4", "te_embed_success 4", "te_predict_count 0",
            "te_request_count{method=\"batch\"} 1",
        ] {
            #expect(service.metricsText.contains(line + "\n"), "\(line)")
        }
    }
}
