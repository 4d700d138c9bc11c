import Architectures
import Foundation
import JSON
import Safetensors
import Testing

@testable import DistillRuntime

/// A small language model with its tokenizer, which `scripts/fixtures/generation.py` wrote.
let textModel = generationFixtures.appending(path: "text-model")

let generationFixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "GenerationTests/Fixtures")

/// The tiny language models of every family, which `scripts/fixtures/decoders.py` wrote with what transformers computes.
let decoderNames = [
    "gemma3", "gemma3-older", "gpt2", "gpt2-scales", "llama", "llama-biases", "llama-linear", "llama-yarn",
    "llama3", "llama3-older", "mistral", "qwen2", "qwen2-windows", "qwen3", "qwen3-biases",
]

func decoder(_ directory: URL, usesBFloat16: Bool = false, blocks: Int? = nil) throws -> Decoder {
    try Decoder(
        .safetensors(SafetensorsCheckpoint(directory: directory)), path: directory.path,
        ModelConfiguration(contentsOf: directory),
        DecoderPrecision(usesBFloat16: usesBFloat16, blocks: blocks))
}

/// Texts of tokens, and what transformers computed of them.
struct GoldenTexts {
    let ids: [Int32]
    let offsets: [Int]
    let logits: [Float]

    init(_ name: String) throws {
        let file = try SafetensorsCheckpoint(
            file: modelFixture("decoders/\(name)/golden.safetensors"))
        func values<Value: BitwiseCopyable>(_ name: String, _ type: Value.Type) throws -> [Value] {
            let bytes = try file.bytes(of: name)
            return stride(from: 0, to: bytes.count, by: MemoryLayout<Value>.size).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: Value.self)
            }
        }
        ids = try values("input_ids", Int64.self).map(Int32.init)
        offsets = try values("offsets", Int64.self).map(Int.init)
        logits = try values("logits", Float.self)
    }

    var count: Int { offsets.count - 1 }

    func text(_ index: Int) -> [Int32] { Array(ids[offsets[index]..<offsets[index + 1]]) }
}

extension JSONValue {
    subscript(key: String) -> JSONValue { objectValue?[key] ?? .null }
    var tokens: [Int32] { arrayValue?.compactMap { $0.intValue.map(Int32.init) } ?? [] }
    var text: String { stringValue ?? "" }
}
