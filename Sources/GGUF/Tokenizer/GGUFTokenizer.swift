import JSON
import Storage

/// The tokenizer of a GGUF file as the files of a Hugging Face tokenizer.
///
/// Byte-level vocabularies (`gpt2`) split words as `tokenizer.ggml.pre` says. SentencePiece's (`llama`) have no merges: they
/// follow from the tokens' scores; spaces become "▁", one of which is put before each text between special tokens unless the
/// file says otherwise, as SentencePiece, llama.cpp and the tokenizers of Llama 2 do. Gemma's runs of spaces and line breaks
/// are found before anything else, as they are there; transformers' reader of GGUF makes them from merges instead, which
/// gives other tokens for more than 31 spaces.
public struct GGUFTokenizer: Sendable {
    /// The contents of `tokenizer.json`.
    public let tokenizer: JSONObject
    /// The contents of `tokenizer_config.json`.
    public let configuration: JSONObject
    /// The template of conversations, in Jinja.
    public let chatTemplate: String?

    package static let templateKey = "tokenizer.chat_template"

    /// Reads the tokenizer of an open file.
    ///
    /// - Throws: ``GGUFError`` if there is none, it is damaged, or of a kind that is not known.
    public init(_ checkpoint: GGUFCheckpoint) throws {
        let vocabulary = try GGUFVocabulary(checkpoint)
        let ends = try GGUFTextEnds(vocabulary)
        switch vocabulary.model {
        case "gpt2": tokenizer = try GGUFByteLevelTokenizer(vocabulary, ends).fields()
        case "llama": tokenizer = try GGUFSentencePieceTokenizer(vocabulary, ends).fields()
        case let other:
            throw GGUFError(
                checkpoint.path, key: GGUFVocabulary.key("model"),
                "\(quoted(other)) is not supported (supported are gpt2 and llama); take the tokenizer of the original model"
            )
        }
        if let value = checkpoint[Self.templateKey] {
            guard let text = value.stringValue else {
                throw GGUFError(checkpoint.path, key: Self.templateKey, "must be a text")
            }
            chatTemplate = text
        } else {
            chatTemplate = nil
        }
        configuration = try Self.configuration(vocabulary, ends, template: chatTemplate)
    }

    /// Writes `tokenizer.json` and `tokenizer_config.json`, from which `Tokenizer.load(directory:)` and `AutoTokenizer` make
    /// the tokenizer.
    ///
    /// - Throws: `FileError`.
    public func write(to directory: some FileLocation) throws {
        try AtomicFile.write(
            JSONValue.object(tokenizer).serialized(), to: directory.entry("tokenizer.json"))
        try AtomicFile.write(
            JSONValue.object(configuration).serialized(pretty: true),
            to: directory.entry("tokenizer_config.json"))
    }

    private static func configuration(
        _ vocabulary: GGUFVocabulary, _ ends: GGUFTextEnds, template: String?
    ) throws -> JSONObject {
        var fields: JSONObject = [
            "tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false,
            "model_input_names": ["input_ids", "attention_mask"],
            "add_bos_token": .bool(ends.addsStart), "add_eos_token": .bool(ends.addsEnd),
        ]
        for (key, name) in [
            ("bos_token", "bos_token_id"), ("eos_token", "eos_token_id"), ("unk_token", "unknown_token_id"),
            ("pad_token", "padding_token_id"),
        ] {
            if let id = try vocabulary.id(name) { fields[key] = .string(vocabulary.tokens[id]) }
        }
        let architecture = vocabulary.checkpoint[GGUFModel.architectureKey]?.stringValue ?? ""
        if let length = vocabulary.checkpoint["\(architecture).context_length"]?.intValue, length > 0 {
            fields["model_max_length"] = .integer(length)
        }
        if let template { fields["chat_template"] = .string(template) }
        return fields
    }
}
