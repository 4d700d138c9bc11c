import CKernels
import Decoding
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing
import Tokenizers

@testable import DistillRuntime

@Suite("Decoders of the runtime")
struct DecoderTests {
    @Test("transformers' logits for every family", arguments: decoderNames)
    func logits(_ name: String) throws {
        let (golden, decoder) = (try GoldenTexts(name), try decoder(modelFixture("decoders/\(name)")))
        let caches = try (0..<golden.count).map { _ in try decoder.makeCache() }
        let logits = try decoder.logits(
            golden.ids, offsets: golden.offsets, rows: Array(golden.ids.indices), caches: caches)
        #expect(relativeError(logits, golden.logits) < 1e-4, "\(name)")
        #expect(caches.map(\.length) == (0..<golden.count).map { golden.text($0).count })
    }

    @Test("bfloat16 is close to them", arguments: ["llama", "gpt2", "gemma3", "qwen3"])
    func bfloat16(_ name: String) throws {
        let golden = try GoldenTexts(name)
        let decoder = try decoder(modelFixture("decoders/\(name)"), usesBFloat16: true)
        let logits = try decoder.logits(
            golden.ids, offsets: golden.offsets, rows: Array(golden.ids.indices),
            caches: (0..<golden.count).map { _ in try decoder.makeCache() })
        let error = relativeError(logits, golden.logits)
        #expect(error < 0.05 && error > 0, "\(name) \(error)")
    }

    @Test(
        "the same bits alone, in parts, beside others, and on any number of threads",
        arguments: ["llama", "gpt2", "gemma3", "qwen2-windows"], [false, true])
    func parts(_ name: String, _ usesBFloat16: Bool) throws {
        let golden = try GoldenTexts(name)
        let decoder = try decoder(modelFixture("decoders/\(name)"), usesBFloat16: usesBFloat16)
        let together = try decoder.logits(
            golden.ids, offsets: golden.offsets,
            caches: (0..<golden.count).map { _ in try decoder.makeCache() })
        let width = decoder.vocabularySize
        let threads = ck_threads()
        defer { ck_set_threads(threads) }
        for text in 0..<golden.count {
            let expected = Array(together[text * width..<(text + 1) * width])
            let ids = golden.text(text)
            ck_set_threads(Int32(1 + text))
            #expect(
                try decoder.logits(ids, offsets: [0, ids.count], caches: [decoder.makeCache()]) == expected)
            let cache = try decoder.makeCache()
            var last: [Float] = []
            for place in stride(from: 0, to: ids.count, by: 1 + text) {
                let part = Array(ids[place..<min(ids.count, place + 1 + text)])
                last = try decoder.logits(part, offsets: [0, part.count], caches: [cache])
            }
            #expect(last == expected, "\(name), text \(text)")
        }
    }

    @Test("a cache of many tokens, which outgrows its room, gives what the whole text gives")
    func longTexts() throws {
        let decoder = try decoder(textModel)
        let ids = (0..<200).map { Int32(2 + $0 * 37 % 250) }
        let cache = try decoder.makeCache()
        var last: [Float] = []
        for id in ids { last = try decoder.logits([id], offsets: [0, 1], caches: [cache]) }
        #expect(
            try last == decoder.logits(ids, offsets: [0, ids.count], caches: [decoder.makeCache()]))
        // There is no place for another one, and what the cache holds stays.
        #expect(throws: RuntimeError.self) {
            try decoder.logits([2], offsets: [0, 1], caches: [cache])
        }
        #expect(cache.length == 200)
    }

    @Test("texts that begin alike share pages", arguments: [false, true])
    func sharing(usesBFloat16: Bool) throws {
        let decoder = try decoder(textModel, usesBFloat16: usesBFloat16)
        let ids = (0..<120).map { Int32(2 + $0 * 37 % 250) }
        let other = Array(ids[..<77]) + [5, 6, 7]
        func whole(_ ids: [Int32]) throws -> [Float] {
            try decoder.logits(ids, offsets: [0, ids.count], caches: [decoder.makeCache()])
        }
        let first = try decoder.makeCache()
        _ = try decoder.logits(Array(ids[..<80]), offsets: [0, 80], caches: [first])
        let (second, count) = try decoder.share(first, tokens: 77)
        #expect(count == 64 && second.length == 64)
        let rest = Array(ids[80...]) + other[64...]
        let logits = try decoder.logits(rest, offsets: [0, 40, rest.count], caches: [first, second])
        #expect(try logits == whole(ids) + whole(other))
        // Fewer than a page.
        #expect(try decoder.share(first, tokens: 31).tokens == 0)
    }

    @Test("prompts that begin alike give the texts that they give alone, and the beginning is computed once")
    func sharedBeginnings() throws {
        let model = CountingModel(model: try decoder(textModel))
        let tokenizer = try Tokenizer.load(directory: textModel.path, expressions: nil)
        let system = (0..<70).map { Int32(2 + $0 * 53 % 250) }
        // Of different lengths; the second twice, one after the other has begun.
        let endings: [[Int32]] = [[9], [4, 8, 12], [4, 8, 12], [30], [31, 32, 33, 34]]
        let prompts = endings.map { system + $0 }
        for (temperature, batchSize) in [(0.0, 2), (0.9, 3)] {
            var options = GenerationOptions()
            (options.maxNewTokens, options.temperature, options.seed) = (12, temperature, 5)
            func run(_ prompts: [[Int32]], first: Int) throws -> [GeneratedText] {
                try GenerationRun(
                    model: model, tokenizer: tokenizer, options: options, batchSize: batchSize,
                    batchTokens: 512, firstPrompt: first)(prompts) { _ in }
            }
            let alone = try prompts.indices.flatMap { try run([prompts[$0]], first: $0) }
            let separately = model.count
            let together = try run(prompts, first: 0)
            #expect(together.map(\.tokenIDs) == alone.map(\.tokenIDs))
            let saved = separately - (model.count - separately)
            // Each of the five shares two pages, which a pass of 70 tokens computed.
            #expect(saved == 5 * 64 - 70)
            model.reset()
        }
    }

    @Test("transformers' tokens by greedy decoding for every family, in batches", arguments: decoderNames)
    func greedy(_ name: String) throws {
        let file = try JSONValue.load(contentsOf: generationFixtures.appending(path: "greedy.json"))
        let cases = try #require(file[name].arrayValue)
        let decoder = try decoder(modelFixture("decoders/\(name)"))
        let tokenizer = try Tokenizer.load(directory: textModel.path, expressions: nil)
        for (penalty, key) in [(1.0, "tokens"), (1.7, "penalized")] {
            var options = GenerationOptions()
            (options.maxNewTokens, options.repetitionPenalty) = (16, penalty)
            let run = GenerationRun(
                model: decoder, tokenizer: tokenizer, options: options, batchSize: 2, batchTokens: 14)
            let texts = try run(cases.map { $0["prompt"].tokens }) { _ in }
            #expect(texts.map(\.tokenIDs) == cases.map { $0[key].tokens }, "\(name), \(key)")
        }
    }

    @Test("weights in float16 and bfloat16 are what they are widened to", arguments: ["llama", "gpt2"])
    func storedTypes(_ name: String) throws {
        let source = modelFixture("decoders/\(name)")
        let golden = try GoldenTexts(name)
        func logits(_ directory: URL) throws -> [Float] {
            let decoder = try decoder(directory)
            return try decoder.logits(
                golden.text(0), offsets: [0, golden.text(0).count], caches: [decoder.makeCache()])
        }
        for type in [SafetensorsDType.bfloat16, .float16] {
            let rounded: (Float) -> Float =
                type == .float16
                ? { Float(Float16($0)) } : { Float(bitPattern: $0.bitPattern & 0xFFFF_0000) }
            let narrow: (Float) -> [UInt8] = { value in
                let bits =
                    type == .float16 ? Float16(value).bitPattern : UInt16(value.bitPattern >> 16)
                return [UInt8(bits & 0xFF), UInt8(bits >> 8)]
            }
            try withTemporaryDirectory { folder in
                let (wide, small) = (folder.appending(path: "wide"), folder.appending(path: "small"))
                try rewrite(source, to: wide, as: .float32) { rounded($0).bytes }
                try rewrite(source, to: small, as: type, narrow)
                #expect(try logits(small) == logits(wide), "\(name) \(type)")
            }
        }
    }
}

extension Float {
    /// Its bytes, as files have them.
    var bytes: [UInt8] { withUnsafeBytes(of: bitPattern.littleEndian) { Array($0) } }
}

/// Writes a model's directory again with every float32 changed.
func rewrite(
    _ source: URL, to folder: URL, as type: SafetensorsDType, _ bytes: (Float) -> [UInt8]
) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: source.path)
    where name.hasSuffix(".json") {
        try FileManager.default.copyItem(
            at: source.appending(path: name), to: folder.appending(path: name))
    }
    let checkpoint = try SafetensorsCheckpoint(directory: source)
    try SafetensorsWriter.write(
        checkpoint.tensors.map { info in
            let stored = try checkpoint.bytes(of: info.name)
            let values = stride(from: 0, to: stored.count, by: 4).flatMap {
                bytes(stored.loadUnaligned(fromByteOffset: $0, as: Float.self))
            }
            return SafetensorsWriter.Entry(name: info.name, dtype: type, shape: info.shape, bytes: values)
        }, to: folder.appending(path: SafetensorsCheckpoint.fileName))
}
