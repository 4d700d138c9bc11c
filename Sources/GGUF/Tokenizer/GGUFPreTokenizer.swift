import JSON

/// The ways in which byte-level vocabularies split texts into words, by llama.cpp's names of them.
///
/// Source: llama.cpp, `llama-vocab.cpp`; the models' own `tokenizer.json`.
package enum GGUFPreTokenizer {
    private enum Words {
        /// GPT-2's expression.
        case gpt2
        /// The same, after each digit was set apart.
        case digits
        /// An expression of Llama 3's kind, with as many digits at most in a word.
        case llama3(digits: Int)
    }

    private static let names: [(names: [String], words: Words)] = [
        (["gpt-2", "default", "phi-2", "roberta-bpe"], .gpt2),
        (["smollm", "starcoder", "refact", "codeshell"], .digits),
        (["llama-bpe", "llama3", "llama-v3", "falcon3", "lfm2", "smaug-bpe", "dbrx"], .llama3(digits: 3)),
        (["qwen2", "deepseek-r1-qwen", "stablelm2", "megrez"], .llama3(digits: 1)),
    ]

    /// Names of all ways that differ, for a file that is to be written.
    package static let distinct = ["gpt-2", "smollm", "llama-bpe", "smaug-bpe", "qwen2", "stablelm2"]

    private static func words(_ name: String) -> Words? {
        names.first { $0.names.contains { $0.utf8.elementsEqual(name.utf8) } }?.words
    }

    /// True for those whose texts begin with a token of their own where the file does not say.
    static func startsTexts(_ name: String?) -> Bool { ["llama-bpe", "llama3", "llama-v3"].contains(name) }

    /// True if a word that is a token stays whole, whatever the merges say.
    static func ignoresMerges(_ name: String?) -> Bool {
        ["llama-bpe", "llama3", "llama-v3", "falcon3", "lfm2"].contains(name)
    }

    /// The normalizer: Qwen composes characters first.
    static func normalizer(_ name: String?) -> JSONValue { name == "qwen2" ? ["type": "NFC"] : .null }

    /// The stages, as `pre_tokenizer` of `tokenizer.json`.
    ///
    /// - Throws: ``GGUFError`` for a name that is not known.
    static func stages(_ vocabulary: GGUFVocabulary) throws -> JSONValue {
        let name = vocabulary.preTokenizer ?? "default"
        guard let words = words(name) else {
            let known = names.flatMap(\.names).joined(separator: ", ")
            throw GGUFError(
                vocabulary.checkpoint.path, key: GGUFVocabulary.key("pre"),
                "\(quoted(name)) is not supported (supported are \(known)); take the tokenizer of the original model"
            )
        }
        let prefix = try vocabulary.flag("add_space_prefix") ?? false
        switch words {
        case .gpt2: return byteLevel(prefix: prefix, splits: true)
        case .digits:
            return sequence([
                ["type": "Digits", "individual_digits": true], byteLevel(prefix: prefix, splits: true),
            ])
        case .llama3(let digits):
            return sequence([
                [
                    "type": "Split", "pattern": ["Regex": .string(expression(digits: digits))],
                    "behavior": "Isolated", "invert": false,
                ], byteLevel(prefix: prefix, splits: false),
            ])
        }
    }

    private static func expression(digits: Int) -> String {
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"# + (digits == 1 ? "" : "{1,\(digits)}")
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
    }

    private static func sequence(_ stages: [JSONValue]) -> JSONValue {
        ["type": "Sequence", "pretokenizers": .array(stages)]
    }

    static func byteLevel(prefix: Bool, splits: Bool) -> JSONValue {
        [
            "type": "ByteLevel", "add_prefix_space": .bool(prefix), "trim_offsets": true,
            "use_regex": .bool(splits),
        ]
    }
}
