import Foundation
import JSON
import RegularExpressions
import Tokenizers
import Transformers

@testable import Distillation

/// A language model of some thousand weights, with the tokenizer and chat template of a fixture.
struct TinyLanguageModel {
    let directory: URL
    static let tokenizer = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "ConversationsTests/Fixtures/bytes")

    /// Writes a model with random weights.
    init(in folder: URL, name: String = "teacher", layers: Int = 4, seed: UInt64 = 7) throws {
        directory = folder.appending(path: name, directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let size = try Tokenizer.load(directory: Self.tokenizer).vocabularySize
        let text = """
            {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": \(size), "hidden_size": 32,
             "intermediate_size": 48, "num_hidden_layers": \(layers), "num_attention_heads": 4, "num_key_value_heads": 2,
             "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "initializer_range": 0.3, "hidden_act": "silu",
             "tie_word_embeddings": true, "bos_token_id": 2, "eos_token_id": 1,
             "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}
            """
        let object = try JSONValue.parse(text).objectValue ?? [:]
        let model = try AutoModel.make(
            ModelConfiguration(json: object, source: "test"), source: nil, seed: seed)
        try ModelWriter.save(model, to: directory)
        try OutputDirectory.copyTokenizer(from: Self.tokenizer, to: directory)
    }

    /// Writes conversations that a small model can learn: a number's name for its digit.
    static func conversations(to url: URL, count: Int = 48) throws {
        let names = ["zero", "one", "two", "three", "four", "five", "six", "seven"]
        let lines = (0..<count).map { index in
            let digit = (index * 5) % names.count
            return #"{"messages": [{"role": "user", "content": "name \#(digit)"}, "#
                + #"{"role": "assistant", "content": "it is \#(names[digit])"}]}"#
        }
        try (lines.joined(separator: "\n") + "\n").write(to: url, atomically: true, encoding: .utf8)
    }
}
