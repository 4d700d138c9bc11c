import Architectures
import Foundation
import Safetensors
import Tokenizers

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
    ]

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
