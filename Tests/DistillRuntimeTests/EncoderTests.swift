import Architectures
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing

@testable import DistillRuntime

/// The models of the families that the kernels compute, with what transformers computes of them.
@Suite("The runtime agrees with transformers")
struct EncoderTests {
    static let sequenceModels =
        ["bert-tiny", "bert-gelu-new", "bert-relu"]
        + [
            "distilbert", "roberta", "xlm-roberta", "camembert", "electra", "electra-wide", "albert",
            "albert-groups", "mpnet", "deberta-v2", "deberta-v2-plain", "deberta-v3", "modernbert",
            "modernbert-mean",
        ]
        .map { "families/\($0)" }
    static let taggers =
        [
            "albert", "bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta", "mpnet",
            "deberta-v2", "deberta-v3", "modernbert",
        ]
        .map { "token-families/\($0)" }
    /// Models each of whose attention depends on places in another way.
    static let positions = ["bert-tiny"] + ["mpnet", "deberta-v3", "modernbert"].map { "families/\($0)" }

    @Test("logits of texts", arguments: sequenceModels)
    func sequences(_ name: String) throws {
        let golden = try Golden(name)
        let texts = try golden.texts().texts
        try #require(texts.count > 1)
        let logits = try encoder(modelFixture(name)).logits(texts).array
        // Rows that are padded on the left come last.
        let error = relativeError(logits, Array(try golden.floats("logits").prefix(logits.count)))
        #expect(error < 1e-5, "\(error)")
    }

    @Test("logits of tokens", arguments: taggers)
    func tokens(_ name: String) throws {
        let golden = try Golden(name)
        let (texts, places) = try golden.texts()
        let logits = try encoder(modelFixture(name)).logits(texts).array
        let expected = try golden.floats("logits")
        let labels = logits.count / places.count
        let wanted = places.flatMap { expected[$0 * labels..<($0 + 1) * labels] }
        let error = relativeError(logits, wanted)
        #expect(error < 1e-5, "\(error)")
    }

    @Test(
        "weights in half precision and in shards",
        arguments: ["bert-tiny-float16", "bert-tiny-sharded", "bert-tiny-legacy"])
    func stored(_ name: String) throws {
        let golden = try Golden("bert-tiny")
        let texts = try golden.texts().texts
        let logits = try encoder(modelFixture(name)).logits(texts).array
        let error = relativeError(logits, Array(try golden.floats("logits").prefix(logits.count)))
        #expect(error < (name.hasSuffix("float16") ? 5e-3 : 1e-5), "\(error)")
    }

    @Test("bfloat16 products are close, and other than float32's", arguments: positions)
    func bfloat16(_ name: String) throws {
        let golden = try Golden(name)
        let texts = try golden.texts().texts
        let exact = try encoder(modelFixture(name)).logits(texts).array
        let rounded = try encoder(modelFixture(name), usesBFloat16: true).logits(texts).array
        #expect(relativeError(rounded, exact) < 5e-2)
        #expect(rounded != exact)
    }

    @Test(
        "a text's logits have the same bits alone, in a batch, and on many threads at once",
        arguments: positions)
    func independence(_ name: String) async throws {
        let golden = try Golden(name)
        let texts = try golden.texts().texts
        let model = try encoder(modelFixture(name))
        let together = try model.logits(texts).array
        let labels = together.count / texts.count
        for text in 0..<texts.count {
            let range = Int(texts.offsets[text])..<Int(texts.offsets[text + 1])
            let alone = PackedTexts(
                ids: Array(texts.ids[range]), types: texts.types.map { Array($0[range]) },
                offsets: [0, Int64(range.count)])
            #expect(try model.logits(alone).array == Array(together[text * labels..<(text + 1) * labels]))
        }
        let all = try await withThrowingTaskGroup(of: [Float].self) { group in
            for _ in 0..<16 { group.addTask { try model.logits(texts).array } }
            return try await group.reduce(into: [[Float]]()) { $0.append($1) }
        }
        #expect(all.count == 16 && all.allSatisfy { $0 == together })
    }

    @Test("embeddings that a DeBERTa projects before their norm are refused")
    func refused() throws {
        let file = modelFixture("families/deberta-v3").appending(path: "config.json")
        var json = try #require(try JSONValue.load(contentsOf: file).objectValue)
        json["embedding_size"] = .integer(16)
        let configuration = try ModelConfiguration(json: json, source: "config.json")
        let error = #expect(throws: RuntimeError.self) { try Encoder.requireSupported(configuration) }
        #expect(error?.description.contains("embedding_size 16, hidden_size 24") == true)
        #expect(error?.description.contains("distill predict") == true)
    }

    @Test("a language model is refused")
    func languageModel() throws {
        let error = #expect(throws: RuntimeError.self) { _ = try encoder(modelFixture("decoders/llama")) }
        #expect(error?.description.contains("is a language model") == true)
    }

    @Test("ids, types and lengths outside of the tables are errors")
    func outside() throws {
        let model = try encoder(modelFixture("bert-tiny"))
        func expect(_ texts: PackedTexts, _ part: String) {
            let error = #expect(throws: RuntimeError.self) { _ = try model.logits(texts) }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
        expect(PackedTexts(ids: [1, -1], offsets: [0, 2]), "token 2 has the id -1")
        expect(PackedTexts(ids: [1_000_000], offsets: [0, 1]), "token 1 has the id 1000000")
        expect(PackedTexts(ids: [1], types: [7], offsets: [0, 1]), "token 1 has the type 7")
        expect(PackedTexts(ids: [1], offsets: [0, 1, 1]), "text 2 has no token")
        expect(
            PackedTexts(ids: Array(repeating: 1, count: 5000), offsets: [0, 5000]), "text 1 has 5000 tokens")
    }
}
