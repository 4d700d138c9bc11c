import JSON
import Storage

extension Tokenizer {
    /// Loads the tokenizer of a model's directory: `tokenizer.json` if there is one, else `vocab.txt`; with either
    /// `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`.
    ///
    /// If the files contradict each other, the result is that of Python's `AutoTokenizer`.
    ///
    /// - Parameters:
    ///   - directory: The model's directory.
    ///   - expressions: Searches regular expressions for which there is no scanner here; without it, a tokenizer that
    ///     needs one is an error. The module `RegularExpressions` has one, and `load(directory:)`, which takes it.
    /// - Returns: The tokenizer.
    /// - Throws: ``TokenizerError``, or the error of a file that cannot be read, which names the file.
    public static func load(
        directory: some FileLocation, expressions: (any RegularExpressionEngine)?
    ) throws -> Tokenizer {
        let path = directory.filePath
        switch FileKind(directory) {
        case .missing:
            throw TokenizerError.missing(directory: path, reason: "no such directory; check the path")
        case .regular, .other:
            throw TokenizerError.missing(directory: path, reason: "is a file; give the model's directory")
        case .directory: break
        }
        let settings = try TokenizerSettings(directory: path)
        let (file, text) = (path.entry("tokenizer.json"), path.entry("vocab.txt"))
        let (json, merges) = (path.entry("vocab.json"), path.entry("merges.txt"))
        if file.fileExists {
            let content = try StageConfiguration(
                file: file, value: .load(contentsOf: file), expressions: expressions)
            return try Tokenizer(content, settings)
        }
        let kind =
            settings.statedKind ?? (json.fileExists && merges.fileExists ? .roberta : .bert)
        let source: VocabularySource
        switch kind {
        case .bert, .distilBert, .mpnet:
            guard text.fileExists else { throw nothing(in: path, "vocab.txt") }
            source = try VocabularySource(vocabularyFile: text)
        case .roberta, .gpt2, .deberta, .qwen2:
            guard json.fileExists, merges.fileExists else {
                throw nothing(in: path, "vocab.json with merges.txt")
            }
            source = try VocabularySource(vocabulary: json, merges: merges)
        case .file, .xlmRoberta, .camembert, .albert, .debertaV2, .llama, .gemma: throw nothing(in: path, nil)
        }
        return try Tokenizer(
            TokenizerParts(source, as: kind, settings), settings, file: source.file)
    }

    /// Makes the tokenizer of files that are in memory.
    ///
    /// - Parameters:
    ///   - file: Where they come from, for messages.
    ///   - tokenizer: The contents of `tokenizer.json`.
    ///   - configuration: The contents of `tokenizer_config.json`.
    ///   - expressions: As for ``load(directory:expressions:)``.
    /// - Throws: ``TokenizerError``.
    package static func load(
        file: String, tokenizer: JSONObject, configuration: JSONObject,
        expressions: (any RegularExpressionEngine)?
    ) throws -> Tokenizer {
        let settings = try TokenizerSettings(
            StageConfiguration(file: file, value: .object(configuration), expressions: nil))
        return try Tokenizer(
            StageConfiguration(file: file, value: .object(tokenizer), expressions: expressions), settings)
    }

    /// Makes the tokenizer that `tokenizer.json` describes, or the one that the class builds from its vocabulary.
    private init(_ content: StageConfiguration, _ settings: TokenizerSettings) throws {
        // Files of Llama 3's kind name Llama 2's class, whose stages are for other tokens.
        let stated = Self.isByteLevel(content) ? settings.replacing(.llama, with: .file) : settings
        guard let kind = stated.statedKind, kind != .file else {
            try self.init(TokenizerParts(content), stated, file: content.file)
            return
        }
        let settings = stated.adding(try TokenizerParts.addedTokens(content))
        try self.init(
            TokenizerParts(VocabularySource(content), as: kind, settings), settings, file: content.file)
    }

    /// Returns true if the file's words are written as bytes, before the model or behind it.
    private static func isByteLevel(_ content: StageConfiguration) -> Bool {
        func has(_ stage: JSONValue?, _ list: String) -> Bool {
            guard let object = stage?.objectValue else { return false }
            return object["type"]?.stringValue == "ByteLevel"
                || object[list]?.arrayValue?.contains { has($0, list) } == true
        }
        return has(content.object["pre_tokenizer"], "pretokenizers")
            || has(content.object["decoder"], "decoders")
    }

    /// The error where files are missing.
    private static func nothing(in path: String, _ wanted: String?) -> TokenizerError {
        for name in sentencePieceNames where path.entry(name).fileExists {
            return .missing(
                directory: path,
                reason: "holds \(name) but no tokenizer.json; make one with Python: "
                    + "AutoTokenizer.from_pretrained(directory).save_pretrained(directory)")
        }
        return .missing(
            directory: path,
            reason: wanted.map { "holds neither tokenizer.json nor \($0); copy the tokenizer's files there" }
                ?? "has no tokenizer.json; copy the tokenizer's files there")
    }

    /// SentencePiece's own files, by the names that models give them.
    private static let sentencePieceNames = [
        "sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model",
    ]
}
