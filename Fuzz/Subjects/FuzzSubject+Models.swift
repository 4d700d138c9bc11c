import Architectures
import Files
import Foundation
import RegularExpressions
import Safetensors
import Tokenizers
import Torch
import Transformers

extension FuzzSubject {
    /// The files of model directories.
    static let models: [FuzzSubject] = [
        FuzzSubject("safetensors", file: "model.safetensors", seeds: ["Tests/SafetensorsTests/Fixtures"]) {
            _, file in
            let opened = try SafetensorsFile(contentsOf: file)
            for info in opened.tensors {
                let bytes = try opened.bytes(of: info.name)
                require(bytes.count == info.byteRange.count, "a tensor's bytes are not those of its range")
                _ = bytes.reduce(UInt8(0)) { $0 ^ $1 }
            }
        },
        FuzzSubject("safetensors-index", file: "model.safetensors.index.json") { directory, _ in
            _ = try SafetensorsCheckpoint(directory: directory)
        },
        FuzzSubject("config", file: "config.json", seeds: ["Tests/TransformersTests/Fixtures"]) {
            directory, _ in
            let configuration = try ModelConfiguration(contentsOf: directory)
            try configuration.validate()
            _ = configuration.warnings
        },
        FuzzSubject(
            "sentence-modules", file: "modules.json",
            others: ["1_Pooling/config.json": #"{"embedding_dimension": 4, "pooling_mode": "mean"}"#]
        ) { directory, _ in
            let files = try SentenceTransformer(contentsOf: directory)
            _ = (files.width, try? files.prompt(nil))
        },
        FuzzSubject(
            "sentence-pooling", file: "config.json",
            others: [
                "modules.json": #"[{"path": "", "type": "Transformer"}, {"path": "", "type": "Pooling"}]"#
            ]
        ) { directory, _ in
            _ = try? SentenceTransformer(contentsOf: directory)
            // The same file as a dense layer's.
            let modules = #"[{"path": "", "type": "StaticEmbedding"}, {"path": "", "type": "Dense"}]"#
            try Data(modules.utf8).write(to: directory.appending(path: "modules.json"))
            _ = try SentenceTransformer(contentsOf: directory)
        },
        FuzzSubject("tokenizer", file: "tokenizer.json", seeds: ["Tests/TokenizersTests/Fixtures"]) {
            directory, _ in
            try encode(Tokenizer.load(directory: directory))
        },
        FuzzSubject("vocab-txt", file: "vocab.txt", others: ["config.json": #"{"model_type": "bert"}"#]) {
            directory, _ in
            try encode(Tokenizer.load(directory: directory))
        },
        FuzzSubject(
            "vocab-json", file: "vocab.json",
            others: [
                "config.json": #"{"model_type": "roberta"}"#, "merges.txt": "#version: 0.2\na b\nab c\n",
            ]
        ) { directory, _ in
            try encode(Tokenizer.load(directory: directory))
        },
        FuzzSubject(
            "merges", file: "merges.txt",
            others: [
                "config.json": #"{"model_type": "roberta"}"#,
                "vocab.json":
                    #"{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4, "b": 5, "c": 6, "ab": 7, "abc": 8}"#,
            ]
        ) { directory, _ in
            try encode(Tokenizer.load(directory: directory))
        },
        FuzzSubject(
            "tokenizer-config", file: "tokenizer_config.json",
            others: [
                "config.json": #"{"model_type": "bert"}"#,
                "vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##c\n",
            ]
        ) { directory, _ in
            try encode(Tokenizer.load(directory: directory))
        },
        FuzzSubject("int8-weights", file: "model.safetensors", others: ["config.json": int8Configuration]) {
            directory, _ in
            let model = try AutoModel.load(from: directory, isMapped: true).model
            let logits: [Float] = try model(PackedInput(inputIDs: [1, 2, 3], offsets: [0, 3])).logits.array()
            require(logits.count == 2, "\(logits.count) logits of 2 classes")
        },
    ]

    /// A small encoder whose layers may be int8.
    private static let int8Configuration = #"""
        {"model_type": "bert", "vocab_size": 8, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 4, "max_position_embeddings": 8, "type_vocab_size": 2, "quantization_config": {
        "quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": {"group_0": {
        "targets": ["Linear"], "weights": {"num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel"},
        "input_activations": {"num_bits": 8, "type": "int", "symmetric": true, "strategy": "token", "dynamic": true}},
        "group_1": {"targets": ["Embedding"], "weights": {"num_bits": 8, "type": "int", "symmetric": true,
        "strategy": "channel"}, "input_activations": null}}}}
        """#

    /// Encodes texts with a tokenizer that could be loaded, and decodes them.
    private static func encode(_ tokenizer: Tokenizer) throws {
        for text in [
            "", "a bc", "Hello, wörld! 你好 👩‍👩‍👧 <mask> [MASK]\u{0}\u{301}", String(repeating: "ab", count: 50),
        ] {
            let ids = try tokenizer.encode(text).ids
            _ = try tokenizer.decode(ids)
        }
    }
}
