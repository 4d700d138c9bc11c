import ChatTemplates
import Deployment
import Files
import Foundation
import Generation
import JSON
import RegularExpressions
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// Language models of this package, opened by transformers.
@Suite("transformers opens language models", .enabled(if: Python.isThere))
struct LanguageModelInteropTests {
    /// Directories of small tokenizers with chat templates.
    private static let tokenizers = Fixtures.folder.deletingLastPathComponent()
        .appending(path: "ConversationsTests/Fixtures")
    private static let texts = [
        "The user asks: what is 1234567?", "Gru\u{0308}ße aus  Köln.\n\n日本語 👨‍👩‍👧 it's fine", "  x", "",
        "<|im_end|>a </s> b",
    ]
    private static let chat: [JSONValue] = [
        ["role": "user", "content": "What is 1+1?"], ["role": "assistant", "content": "It's\n\n 2."],
        ["role": "user", "content": " Thanks, 日本!"],
    ]

    @Test(
        "a distilled student: the same logits, greedy texts, token ids and chats, no missing or unexpected key"
    )
    func students() throws {
        let place = try TemporaryDirectory()
        let data = place.url.appending(path: "chats.jsonl")
        try Self.writeChats(to: data)
        var claims: [JSONValue] = []
        for (name, tokenizerClass) in [
            ("llama", "TokenizersBackend"), ("qwen2", "Qwen2Tokenizer"), ("gpt2", "GPT2Tokenizer"),
        ] {
            let teacher = place.url.appending(path: "\(name)-teacher")
            try Self.writeModel(name, tokenizerClass, to: teacher)
            if name == "gpt2" { try Self.writeTemplates(to: teacher) }
            let output = place.url.appending(path: name)
            var request = DistillRequest(teacher: teacher, data: DataRequest(train: data), output: output)
            request.cache.directory = place.url.appending(path: "cache")
            request.student.layers = 2
            request.training.maxSteps = 3
            request.training.learningRate = 5e-3
            _ = try DistillationRun(request).run()
            claims.append(try Self.claim(output, withModel: true))
            // And one that has the tokens of these texts alone.
            request.output = place.url.appending(path: "\(name)-trimmed")
            request.student.trimVocabulary = true
            let report = try DistillationRun(request).run()
            #expect(report.vocabulary.map { $0.tokensAfter < $0.tokensBefore } == true)
            claims.append(try Self.claim(request.output, withModel: true))
        }
        try Self.expectPythonAgrees(claims, in: place)
    }

    @Test("a pruned model of every layout: the same logits, greedy texts and token ids")
    func pruned() throws {
        let place = try TemporaryDirectory()
        let data = place.url.appending(path: "chats.jsonl")
        try Self.writeChats(to: data)
        let claims = try [
            ("llama", PrunedSizes(layers: 2, hiddenSize: 24, intermediateSize: 32, keyValueHeads: 1)),
            ("qwen2", PrunedSizes(layers: 2, intermediateSize: 40, attentionHeads: 2, keyValueHeads: 2)),
            ("gpt2", PrunedSizes(layers: 2, hiddenSize: 24, intermediateSize: 64)),
        ].map { name, sizes in
            let model = place.url.appending(path: "\(name)-model")
            try Self.writeModel(name, name == "qwen2" ? "Qwen2Tokenizer" : "TokenizersBackend", to: model)
            var request = PruneRequest(model: model, data: data, output: place.url.appending(path: name))
            request.cache.directory = place.url.appending(path: "cache")
            request.sizes = sizes
            _ = try PruneRun(request).run()
            return try Self.claim(request.output, withModel: true)
        }
        try Self.expectPythonAgrees(claims, in: place)
    }

    /// `add_bos_token` counts for nothing beside a `tokenizer.json`: of one model type, as the class alone decides on it.
    ///
    /// Files of SentencePiece's kind, and of bytes as Llama 3 and Qwen have them, with the classes that name either.
    @Test("tokenizers of every class that language models name: the same ids, texts and chats")
    func classes() throws {
        let place = try TemporaryDirectory()
        var claims: [JSONValue] = []
        let byteClasses = ["LlamaTokenizerFast", "LlamaTokenizer", "Qwen2Tokenizer", "GPT2Tokenizer"]
        for (name, classes) in [
            ("bytes", byteClasses), ("begin", byteClasses),
            ("pieces", ["LlamaTokenizerFast", "GemmaTokenizer"]),
        ] {
            for model in ["llama", "mistral", "qwen2", "qwen3", "gpt2", "gemma3_text"] {
                for className in [nil, "PreTrainedTokenizerFast"] + classes {
                    // Gemma's stages are for a vocabulary with an unknown token.
                    if model == "gemma3_text", className == nil, name != "pieces" { continue }
                    for ends in className == nil || model != "llama" ? [nil] : [nil, true, false] {
                        let parts = [name, model, className ?? "none", ends.map { "\($0)" } ?? "own"]
                        let directory = place.url.appending(path: parts.joined(separator: "-"))
                        try Self.writeTokenizer(name, model, className, ends: ends, to: directory)
                        claims.append(try Self.claim(directory, withModel: false))
                    }
                }
            }
        }
        try Self.expectPythonAgrees(claims, in: place)
    }

    // MARK: - Models

    /// Writes conversations of two turns.
    static func writeChats(to file: URL) throws {
        let lines = (0..<12).map {
            #"{"messages": [{"role": "user", "content": "name \#($0)"}, {"role": "assistant", "content": "number \#($0 * 7)"}]}"#
        }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    }

    private static let shapes = [
        "llama": """
        "architectures": ["LlamaForCausalLM"], "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-5,
        "hidden_act": "silu", "tie_word_embeddings": true, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}
        """,
        "qwen2": """
        "architectures": ["Qwen2ForCausalLM"], "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-6,
        "hidden_act": "silu", "tie_word_embeddings": false, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}
        """,
        "gpt2": """
        "architectures": ["GPT2LMHeadModel"], "n_embd": 32, "n_inner": null, "n_layer": 3, "n_head": 4, "n_positions": 128,
        "layer_norm_epsilon": 1e-5, "activation_function": "gelu_new", "embd_pdrop": 0.0, "attn_pdrop": 0.0, "resid_pdrop": 0.0
        """,
    ]

    /// Writes a small model with random weights and the tokenizer of bytes.
    static func writeModel(_ type: String, _ tokenizerClass: String, to directory: URL) throws {
        try writeTokenizer("bytes", type, tokenizerClass, ends: nil, to: directory)
        let size = try Tokenizer.load(directory: directory).vocabularySize
        let text = """
            {"model_type": "\(type)", "vocab_size": \(size), "initializer_range": 0.3, "eos_token_id": 1, "bos_token_id": null,
             \(try #require(shapes[type]))}
            """
        let configuration = try ModelConfiguration(
            json: try #require(JSONValue.parse(text).objectValue), source: "test")
        try ModelWriter.save(try AutoModel.make(configuration, source: nil, seed: 5), to: directory)
    }

    /// Writes a tokenizer's files under a class's name, with the `model_type` that decides with it.
    private static func writeTokenizer(
        _ name: String, _ model: String, _ className: String?, ends: Bool?, to directory: URL
    ) throws {
        let source = tokenizers.appending(path: name)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: source.appending(path: "tokenizer.json"), to: directory.appending(path: "tokenizer.json"))
        var settings = try #require(
            JSONValue.load(contentsOf: source.appending(path: "tokenizer_config.json")).objectValue)
        settings["tokenizer_class"] = className.map(JSONValue.string)
        if let ends { (settings["add_bos_token"], settings["add_eos_token"]) = (.bool(ends), .bool(ends)) }
        try Data(JSONValue.object(settings).serialized().utf8).write(
            to: directory.appending(path: "tokenizer_config.json"))
        try Data(#"{"model_type": "\#(model)"}"#.utf8).write(to: directory.appending(path: "config.json"))
    }

    /// Writes templates as files of their own, which go before those in `tokenizer_config.json`.
    private static func writeTemplates(to directory: URL) throws {
        let folder = directory.appending(path: "additional_chat_templates")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let text = "{% for m in messages %}[{{ m.role }}] {{ m.content | trim }}{{ eos_token }}{% endfor %}"
        try Data(text.utf8).write(to: directory.appending(path: "chat_template.jinja"))
        try Data("{{ messages[0].content }}:".utf8).write(to: folder.appending(path: "short.jinja"))
    }

    // MARK: - Claims

    private static func integers(_ ids: some Sequence<Int32>) -> JSONValue {
        .array(ids.map { .integer(Int($0)) })
    }

    private static func claim(_ directory: URL, withModel: Bool) throws -> JSONValue {
        let tokenizer = try Tokenizer.load(directory: directory)
        let templates = try ChatTemplates.load(directory: directory)
        let ids = try texts.map { try tokenizer.encode($0).ids }
        let texts = try zip(texts, ids).map { text, ids -> JSONValue in
            ["text": .string(text), "ids": integers(ids), "decoded": .string(try tokenizer.decode(ids))]
        }
        let chats = try templates.names.flatMap { name in
            try [true, false].map { generation -> JSONValue in
                let text = try templates.template(named: name).render(
                    messages: chat, addGenerationPrompt: generation, variables: templates.specialTokens
                ).text
                return [
                    "template": .string(name), "messages": .array(chat), "generation": .bool(generation),
                    "text": .string(text),
                    "ids": integers(try tokenizer.encode(text, addSpecialTokens: false).ids),
                ]
            }
        }
        var claim: JSONObject = [
            "directory": .string(directory.path), "texts": .array(texts), "chats": .array(chats),
            "logits": .null,
            "generated": .array([]),
        ]
        if withModel {
            let generator = try TextGenerator.load(from: directory, precision: .float32)
            let output = try withNoGrad {
                try generator.model(PackedInput(inputIDs: ids[0], offsets: [0, ids[0].count])).logits
            }
            claim["logits"] = [
                "shape": .array(output.shape.map(JSONValue.integer)),
                "values": .array(try output.array(of: Float.self).map { .number(Double($0)) }),
            ]
            var options = generator.defaults
            options.maxNewTokens = 12
            let prompts = [ids[0], ids[1]]
            let generated = try generator.generate(tokens: prompts, options)
            claim["generated"] = .array(
                zip(prompts, generated).map { ["prompt": integers($0), "ids": integers($1.tokenIDs)] })
        }
        return .object(claim)
    }

    private static func expectPythonAgrees(_ claims: [JSONValue], in place: TemporaryDirectory) throws {
        let file = place.url.appending(path: "claims.json")
        try Data(JSONValue.array(claims).serialized().utf8).write(to: file)
        let script = Fixtures.folder.appending(path: "language_model_interop.py").path
        let result = try Python.run([script, file.path])
        #expect(result.status == 0, "\(result.output)")
    }
}
