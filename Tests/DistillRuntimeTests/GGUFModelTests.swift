import Architectures
import CKernels
import Decoding
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing
import Tokenizers

@testable import DistillRuntime
@testable import GGUF

/// The files that `scripts/fixtures/gguf_files.py` writes.
private let files = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "GGUFTests/Fixtures")

@Suite("GGUF files in the runtime")
struct GGUFModelTests {
    private func decoder(_ model: GGUFModel) throws -> Decoder {
        try Decoder(
            .gguf(model), path: model.checkpoint.path,
            ModelConfiguration(json: model.configuration, source: model.checkpoint.path))
    }

    /// The decoder of a directory with the same numbers in float32.
    private func widened(_ model: GGUFModel, _ folder: URL, blocks: Int? = nil) throws -> Decoder {
        try Data(JSONValue.object(model.configuration).serialized().utf8)
            .write(to: folder.appending(path: "config.json"))
        try SafetensorsWriter.write(
            model.tensors.map { tensor in
                SafetensorsWriter.Entry(
                    name: tensor.name, dtype: .float32, shape: tensor.shape,
                    bytes: try tensor.floats().flatMap(\.bytes))
            }, to: folder.appending(path: SafetensorsCheckpoint.fileName))
        return try DistillRuntimeTests.decoder(folder, blocks: blocks)
    }

    private func logits(_ decoder: Decoder, _ ids: [Int32]) throws -> [Float] {
        try decoder.logits(
            ids, offsets: [0, ids.count], rows: Array(ids.indices), caches: [decoder.makeCache()])
    }

    /// A file with the tensors of another in one form.
    private func rewritten(_ name: String, as type: GGUFTensorType, to url: URL) throws -> GGUFModel {
        let source = try GGUFCheckpoint(file: files.appending(path: name))
        let tensors = try source.tensors.map { info in
            var values = [Float](repeating: 0, count: info.elementCount)
            try values.withUnsafeMutableBufferPointer { try source.decode(info.name, into: $0) }
            return GGUFOutputTensor(
                name: info.name, type: info.shape.count == 2 ? type : .f32, shape: info.shape, values: values)
        }
        try GGUFWriter(metadata: source.metadata, tensors: tensors).write(to: url)
        return try GGUFModel(file: url)
    }

    private static let names = ["llama", "llama-biases", "qwen2", "qwen3", "gemma3", "gpt2"]
    private let ids: [Int32] = [5, 9, 2, 17, 3, 11, 4, 39, 0, 21]

    @Test(
        "in floating point give the bits of the same numbers in a directory", arguments: names,
        [GGUFTensorType.f32, .f16, .bf16])
    func floats(_ name: String, _ type: GGUFTensorType) throws {
        try withTemporaryDirectory { folder in
            let model = try rewritten(name + ".gguf", as: type, to: folder.appending(path: "x.gguf"))
            #expect(try logits(decoder(model), ids) == logits(widened(model, folder), ids))
        }
    }

    @Test(
        "in blocks are close to the same numbers in float32", arguments: names,
        [GGUFTensorType.q80, .q50, .q41])
    func blocks(_ name: String, _ type: GGUFTensorType) throws {
        try withTemporaryDirectory { folder in
            let model = try rewritten(name + ".gguf", as: type, to: folder.appending(path: "x.gguf"))
            let error = try relativeError(logits(decoder(model), ids), logits(widened(model, folder), ids))
            // What the activations' rounding does in all layers of large random weights: 0.042 of the largest logit at the most that was
            // measured. The products themselves are held to exact integers elsewhere; a scale or an order that is wrong is an error of
            // the logits' own size.
            #expect(error < 0.1 && error > 0, "\(name) \(error)")
        }
    }

    @Test("with blocks beside floating point are too, as converters write them", arguments: names)
    func mixed(_ name: String) throws {
        try withTemporaryDirectory { folder in
            let model = try GGUFModel(file: files.appending(path: name + ".gguf"))
            let error = try relativeError(logits(decoder(model), ids), logits(widened(model, folder), ids))
            #expect(error < 0.1 && error > 0, "\(name) \(error)")
        }
    }

    @Test(
        "numbers that blocks of few bits cannot hold are told so, and are multiplied as they are without them"
    )
    func tooLarge() throws {
        try withTemporaryDirectory { folder in
            let model = try rewritten("qwen3.gguf", as: .f32, to: folder.appending(path: "wide.gguf"))
            _ = try widened(model, folder)
            let checkpoint = try SafetensorsCheckpoint(directory: folder)
            let name = "model.layers.0.mlp.up_proj.weight"
            let entries = try checkpoint.tensors.map { info in
                var bytes = Array(try checkpoint.bytes(of: info.name))
                if info.name == name { bytes.replaceSubrange(8..<12, with: Float(1e8).bytes) }
                return SafetensorsWriter.Entry(
                    name: info.name, dtype: .float32, shape: info.shape, bytes: bytes)
            }
            try SafetensorsWriter.write(entries, to: folder.appending(path: SafetensorsCheckpoint.fileName))
            let error = #expect(throws: RuntimeError.self) {
                try DistillRuntimeTests.decoder(folder, blocks: CK_Q8_0)
            }
            let text = error.map { "\($0)" } ?? ""
            #expect(text.contains(name) && text.contains("too large for blocks of few bits"), "\(text)")
            #expect(try logits(DistillRuntimeTests.decoder(folder), ids).allSatisfy(\.isFinite))
        }
    }

    @Test(
        "directories rounded to blocks give the bits of the file in the same form",
        arguments: [CK_Q8_0, CK_Q4_0])
    func rounded(_ form: Int) throws {
        try withTemporaryDirectory { folder in
            let type = try #require(GGUFTensorType(rawValue: UInt32(form)))
            let model = try rewritten("qwen3.gguf", as: .f32, to: folder.appending(path: "wide.gguf"))
            let file = try rewritten("qwen3.gguf", as: type, to: folder.appending(path: "x.gguf"))
            // The embeddings of tokens stay as they are stored, so that they are the only difference.
            let name = "model.embed_tokens.weight"
            let table = try #require(file.tensor(named: name)).floats()
            let rounded = try widened(model, folder, blocks: form)
            let checkpoint = try SafetensorsCheckpoint(directory: folder)
            let entries = try checkpoint.tensors.map { info in
                let bytes = try checkpoint.bytes(of: info.name)
                return SafetensorsWriter.Entry(
                    name: info.name, dtype: .float32, shape: info.shape,
                    bytes: info.name == name ? table.flatMap(\.bytes) : Array(bytes))
            }
            #expect(try logits(rounded, ids) != logits(decoder(model), ids))
            try SafetensorsWriter.write(entries, to: folder.appending(path: SafetensorsCheckpoint.fileName))
            let same = try DistillRuntimeTests.decoder(folder, blocks: form)
            let error = try relativeError(logits(same, ids), logits(decoder(file), ids))
            #expect(error < 1e-6)
        }
    }

    @Test(
        "the same bits alone, in parts, beside others, and on any number of threads",
        arguments: ["llama", "gpt2", "gemma3"])
    func parts(_ name: String) throws {
        try withTemporaryDirectory { folder in
            let decoder = try decoder(
                rewritten(name + ".gguf", as: .q80, to: folder.appending(path: "x.gguf")))
            let texts = [ids, [7, 7, 1], [30], Array(ids.reversed())]
            let offsets = texts.reduce(into: [0]) { $0.append(($0.last ?? 0) + $1.count) }
            let width = decoder.vocabularySize
            let together = try decoder.logits(
                texts.flatMap(\.self), offsets: offsets, caches: texts.map { _ in try decoder.makeCache() })
            let threads = ck_threads()
            defer { ck_set_threads(threads) }
            for (number, text) in texts.enumerated() {
                ck_set_threads(Int32(1 + number % 3))
                let expected = Array(together[number * width..<(number + 1) * width])
                #expect(
                    try decoder.logits(text, offsets: [0, text.count], caches: [decoder.makeCache()])
                        == expected)
                let cache = try decoder.makeCache()
                var last: [Float] = []
                for id in text { last = try decoder.logits([id], offsets: [0, 1], caches: [cache]) }
                #expect(last == expected)
            }
        }
    }

    /// A file with a vocabulary and weights of a small model in blocks.
    private func withVocabulary(_ url: URL, type: GGUFTensorType = .q80, template: String? = nil) throws {
        let tokens = try GGUFFile(contentsOf: files.appending(path: "smollm.tokens.gguf"))
        let count = tokens["tokenizer.ggml.tokens"]?.arrayValue?.strings?.count ?? 0
        let metadata =
            tokens.metadata
            + [
                ("llama.block_count", .uint32(2)), ("llama.context_length", .uint32(64)),
                ("llama.embedding_length", .uint32(32)), ("llama.feed_forward_length", .uint32(64)),
                ("llama.attention.head_count", .uint32(4)), ("llama.attention.head_count_kv", .uint32(2)),
                ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
            ].filter { own in !tokens.metadata.contains { $0.key == own.0 } }
        var written = metadata
        if let template {
            written.removeAll { $0.key == GGUFTokenizer.templateKey }
            written.append((key: GGUFTokenizer.templateKey, value: .string(template)))
        }
        var generator = SeededGenerator(seed: 11)
        let tensors = GGUFFamily.llama.tensors.filter { !$0.isOptional }.flatMap { entry in
            (0..<(entry.isPerLayer ? 2 : 1)).map { layer -> GGUFOutputTensor in
                let shape: [Int] =
                    switch entry.file {
                    case let name where name.contains("norm"): [32]
                    case let name where name.contains("attn_k") || name.contains("attn_v"): [16, 32]
                    case let name where name.contains("ffn_down"): [32, 64]
                    case let name where name.contains("ffn"): [64, 32]
                    case let name where name.contains("attn"): [32, 32]
                    default: [count, 32]
                    }
                let values = (0..<shape.reduce(1, *)).map { _ in Float.random(in: -1...1, using: &generator) }
                return GGUFOutputTensor(
                    name: GGUFTensorName.name(entry.file, layer: layer), type: shape.count == 1 ? .f32 : type,
                    shape: shape, values: values)
            }
        }
        try GGUFWriter(metadata: written, tensors: tensors).write(to: url)
    }

    @Test("generate texts with the tokenizer that the file holds")
    func texts() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appending(path: "model.gguf")
            try withVocabulary(url)
            #expect(LanguageModel.isLanguageModel(url.path))
            let model = try LanguageModel(url.path)
            try GGUFTokenizer(GGUFCheckpoint(file: url)).write(to: folder)
            let tokenizer = try Tokenizer.load(directory: folder, expressions: nil)
            for text in ["Hello world, 123 times", "  a\n\nb", "naïve"] {
                #expect(try model.tokens(of: .text(text)) == tokenizer.encode(text).ids)
            }
            var options = model.defaults
            options.maxNewTokens = 8
            let text = try model.generate([.text("Hello")], options)[0]
            let decoder = try decoder(GGUFModel(file: url))
            let run = GenerationRun(
                model: decoder, tokenizer: tokenizer, options: options, batchSize: 1, batchTokens: 64)
            let expected = try run([model.tokens(of: .text("Hello"))]) { _ in }
            #expect(text.tokenIDs == expected[0].tokenIDs && !text.tokenIDs.isEmpty)
            for weights in [LanguageModel.Weights.bfloat16, .int8, .int4] {
                let error = #expect(throws: RuntimeError.self) {
                    try LanguageModel(url.path, .init(weights: weights))
                }
                #expect(
                    error?.description.contains(
                        "leave out --\(weights.rawValue) (with `distill generate` pass --weights stored)")
                        == true)
            }
            try withVocabulary(url, type: .f16)
            for weights in LanguageModel.Weights.allCases {
                _ = try LanguageModel(url.path, .init(weights: weights)).generate([.text("Hello")], options)
            }
        }
    }

    @Test("name the key of a template that is wrong; other files are told that GGUF is read")
    func places() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appending(path: "model.gguf")
            try withVocabulary(url, template: "{% for message %}{% endfor %}")
            let error = #expect(throws: (any Error).self) { try LanguageModel(url.path) }
            let text = error.map { "\($0)" } ?? ""
            #expect(text.contains("model.gguf: key \"tokenizer.chat_template\": line 1: "), "\(text)")
            for file in [url.path + ".bin", "/dev/null"] {
                if file != "/dev/null" { try Data(contentsOf: url).write(to: URL(filePath: file)) }
                let error = #expect(throws: RuntimeError.self) { try LanguageModel(file) }
                #expect(error?.description.contains("\(file): is a file; give a model directory") == true)
                #expect(error?.description.contains("or a language model in GGUF") == true)
            }
        }
    }

    @Test("that are damaged are refused or read, and never end the program")
    func damaged() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appending(path: "model.gguf")
            try withVocabulary(url)
            let bytes = Array(try Data(contentsOf: url))
            var generator = SeededGenerator(seed: 12)
            var refused = 0
            for round in 0..<200 {
                var changed = bytes
                // The header, and now and then a number in a tensor.
                let most = round % 4 == 0 ? bytes.count : min(bytes.count, 12_000)
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    changed[Int.random(in: 0..<most, using: &generator)] = .random(
                        in: 0...255, using: &generator)
                }
                if round % 10 == 9 { changed.removeLast(Int.random(in: 40..<bytes.count, using: &generator)) }
                try Data(changed).write(to: url)
                do {
                    _ = try LanguageModel(url.path).logits([1, 2, 3])
                } catch {
                    refused += 1
                    #expect("\(error)".contains(url.path) || error is TokenizerError, "\(error)")
                }
            }
            #expect(refused > 20)
        }
    }

    @Test("with a scale that is not finite name the tensor")
    func notFinite() throws {
        try withTemporaryDirectory { folder in
            let url = folder.appending(path: "model.gguf")
            try withVocabulary(url)
            var bytes = Array(try Data(contentsOf: url))
            let info = try #require(GGUFCheckpoint(file: url).info("blk.1.ffn_up.weight"))
            bytes.replaceSubrange(
                info.byteRange.lowerBound + 34..<info.byteRange.lowerBound + 36, with: [0, 0x7E])
            try Data(bytes).write(to: url)
            let error = #expect(throws: RuntimeError.self) { try LanguageModel(url.path) }
            #expect(error?.description.contains("blk.1.ffn_up.weight") == true)
        }
    }
}
