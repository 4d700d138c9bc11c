import Architectures
import Foundation
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
            "albert-groups",
        ]
        .map { "families/\($0)" }
    static let taggers =
        ["albert", "bert", "camembert", "distilbert", "electra", "roberta", "xlm-roberta"].map {
            "token-families/\($0)"
        }
    static let others =
        [
            "families/mpnet", "families/deberta-v2", "families/deberta-v3", "families/modernbert",
            "token-families/mpnet",
        ]

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

    @Test("bfloat16 products are close, and other than float32's")
    func bfloat16() throws {
        let golden = try Golden("bert-tiny")
        let texts = try golden.texts().texts
        let exact = try encoder(modelFixture("bert-tiny")).logits(texts).array
        let rounded = try encoder(modelFixture("bert-tiny"), usesBFloat16: true).logits(texts).array
        #expect(relativeError(rounded, exact) < 5e-2)
        #expect(rounded != exact)
    }

    @Test("a text's logits have the same bits alone, in a batch, and on many threads at once")
    func independence() async throws {
        let golden = try Golden("bert-tiny")
        let texts = try golden.texts().texts
        let model = try encoder(modelFixture("bert-tiny"))
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

    @Test("families whose attention the kernels do not have are refused", arguments: others)
    func refused(_ name: String) throws {
        let error = #expect(throws: RuntimeError.self) { _ = try encoder(modelFixture(name)) }
        #expect(error?.description.contains("there are no kernels for the layers of") == true)
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
