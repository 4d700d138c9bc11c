import JSON

/// The stages of a tokenizer and what else `tokenizer.json` holds.
struct TokenizerParts {
    var normalizer: (any Normalizer)?
    var preTokenizer: (any PreTokenizer)?
    var model: any Model
    var postProcessor: any PostProcessor
    /// A decoder that cannot be made is an error only when decoding.
    var decoder: Result<(any TokenDecoder)?, any Error> = .success(nil)
    var addedTokens: [AddedVocabulary.Entry]
    var truncation: Truncation?
    var padding: Padding?
}

extension TokenizerParts {
    /// Reads `tokenizer.json`.
    init(_ file: StageConfiguration) throws {
        if let version = try file.optionalString("version"), version != "1.0" {
            throw file.malformed("version", "\(quoted(version)) is unknown; use a file of version 1.0")
        }
        normalizer = try StageRegistry.normalizers.make(from: file)
        preTokenizer = try StageRegistry.preTokenizers.make(from: file)
        postProcessor = try StageRegistry.postProcessors.make(from: file) ?? PlainPostProcessor()
        decoder = Result { try StageRegistry.decoders.make(from: file) }
        truncation = try file.optionalObject("truncation").map(Truncation.init)
        padding = try file.optionalObject("padding").map(Padding.init)
        addedTokens = try Self.addedTokens(file)
        let modelType = try file.optionalObject("model").flatMap(Self.typeOfModel)
        guard let model = try StageRegistry.models.make(from: file, defaultType: modelType) else {
            throw file.malformed("model", "missing; this is not a tokenizer file")
        }
        self.model = model
    }

    /// The tokens that `tokenizer.json` adds.
    static func addedTokens(_ file: StageConfiguration) throws -> [AddedVocabulary.Entry] {
        try file.objects("added_tokens").map {
            AddedVocabulary.Entry(token: try AddedToken($0), id: try $0.int("id"))
        }
    }

    /// Old files do not name the type of the model; each has a key of its own.
    private static func typeOfModel(_ model: StageConfiguration) -> String? {
        if model.object["merges"] != nil { return "BPE" }
        if model.object["vocab"]?.arrayValue != nil { return "Unigram" }
        if model.object["continuing_subword_prefix"] != nil { return "WordPiece" }
        return model.object["vocab"] != nil ? "WordLevel" : nil
    }
}

extension Vocabulary {
    /// The id of a special token, which must be there.
    ///
    /// - Throws: ``TokenizerError/invalidVocabulary(file:reason:)``.
    func id(of name: String, as token: SpecialToken, file: String) throws -> Int32 {
        guard let id = id(of: name) else {
            throw TokenizerError.invalidVocabulary(
                file: file,
                reason: "the vocabulary lacks \(quoted(name)); add it, or name another as \(token.rawValue)")
        }
        return id
    }
}
