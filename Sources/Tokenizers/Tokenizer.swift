/// Turns texts into the numbers that a model reads, as Hugging Face's `tokenizers` does with the same files.
///
/// ```swift
/// let tokenizer = try Tokenizer.load(directory: model, expressions: nil)
/// let encodings = try tokenizer.encode(batch: ["A fine film.", "Dull."], maxLength: 128)
/// let batch = try tokenizer.pad(encodings)
/// ```
///
/// A text goes through the stages of `tokenizer.json`: normalizer, pre-tokenizer, model, post-processor. Added
/// tokens such as `[MASK]` are found before.
public struct Tokenizer: Sendable {
    let normalizer: (any Normalizer)?
    var preTokenizer: (any PreTokenizer)?
    let model: any Model
    /// The normalizer, if it is BERT's.
    let bertNormalizer: BertNormalizer?
    /// True if the pre-tokenizer needs the positions at which words began in the original text.
    let needsOrigins: Bool
    /// The pre-tokenizer and the model in one, if both are BERT's.
    let splitter: BertWordPiece?
    let directPaths: DirectPaths
    let workspaces = WorkspacePool()
    private(set) var postProcessor: any PostProcessor
    let addedVocabulary: AddedVocabulary
    let decoder: Result<(any TokenDecoder)?, any Error>
    private let specialTokenIDs: [SpecialToken: Int32]
    /// The number of tokens that the model has embeddings for, where there are more here.
    private(set) var embeddings: (count: Int, place: String)?

    /// The longest input, in tokens, that the model was made for, if the tokenizer's files say.
    public let modelMaxLength: Int?
    /// The names of the model's inputs: `input_ids`, `attention_mask`, and `token_type_ids` if it distinguishes the
    /// texts of a pair.
    public let modelInputNames: [String]
    /// The end at which ``pad(_:toMultipleOf:length:side:)`` adds padding by default.
    public let paddingSide: Side
    /// The end at which tokens are truncated by default.
    public let truncationSide: Side
    /// The `token_type_ids` of padding; as in Python 0, whatever `tokenizer.json` says.
    public let padTokenTypeID: Int32 = 0
    /// The truncation that `tokenizer.json` asks for. As with `AutoTokenizer` it is not applied by itself: pass
    /// `maxLength` to truncate.
    public let truncation: Truncation?
    /// The padding that `tokenizer.json` asks for. As with `AutoTokenizer` only its token and side are used.
    public let padding: Padding?

    /// The tokenizer files that a model's directory may hold, to be copied along with the model.
    public static let fileNames = [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "vocab.txt",
        "vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model",
    ]

    init(_ parts: TokenizerParts, _ settings: TokenizerSettings, file: String) throws {
        var settings = settings
        settings.assumesBert = parts.model is WordPiece
        normalizer = try settings.adjusting(parts.normalizer)
        bertNormalizer = normalizer as? BertNormalizer
        let fused = ByteLevelFusion.fuse(parts.preTokenizer, parts.model)
        (preTokenizer, model) = fused
        needsOrigins = ByteLevelFusion.needsOrigins(parts.preTokenizer)
        splitter =
            if let preTokenizer = parts.preTokenizer as? BertPreTokenizer,
                let model = parts.model as? WordPiece
            {
                BertWordPiece(preTokenizer, model)
            } else { nil }
        postProcessor = parts.postProcessor
        decoder = parts.decoder
        addedVocabulary = try AddedVocabulary(
            parts.addedTokens + settings.addedTokens(besides: parts.addedTokens, in: model.vocabulary),
            model: model,
            normalizer: normalizer, splitSpecialTokens: settings.splitSpecialTokens, file: file)
        directPaths = DirectPaths(normalizer, preTokenizer, model, addedVocabulary.normalized)
        let vocabulary = addedVocabulary.vocabulary
        for id in postProcessor.specialTokenIDs where vocabulary.token(of: id) == nil {
            throw TokenizerError.invalidVocabulary(
                file: file,
                reason: "the post-processor adds token \(id), which the vocabulary lacks; correct the file")
        }
        var ids = try settings.specialTokenIDs(in: vocabulary)
        ids[.unknown] = ids[.unknown] ?? model.unknownTokenID
        if let padding = parts.padding, ids[.padding] == nil {
            ids[.padding] = vocabulary.id(of: padding.padToken)
        }
        specialTokenIDs = ids

        modelMaxLength = settings.modelMaxLength
        modelInputNames = settings.modelInputNames
        paddingSide = settings.paddingSide ?? parts.padding?.side ?? .right
        truncationSide = settings.truncationSide ?? parts.truncation?.side ?? .right
        truncation = parts.truncation
        padding = parts.padding
    }
}

// MARK: - Tokens that a model does not have

extension Tokenizer {
    /// The tokens that a model with so many embeddings has none for.
    public func tokens(beyond count: Int) -> [String] {
        let vocabulary = addedVocabulary.vocabulary
        return vocabulary.ids.filter { Int($0) >= count }.compactMap { vocabulary.token(of: $0) }
            .filter { !$0.isEmpty }
    }

    /// The same tokenizer for a model with so many embeddings: a text with a token beyond them is an error.
    ///
    /// - Parameters:
    ///   - count: The model's `vocab_size`.
    ///   - place: The model's directory, for error messages.
    /// - Returns: `nil` where more than tokens that were added later are beyond them: it belongs to another model.
    public func limited(to count: Int, place: String) -> Tokenizer? {
        guard Int(largestTokenID) >= count else { return self }
        let own = model.vocabulary
        let needed =
            own.ids.filter { Int($0) >= count && own.length(of: $0) != 0 } + postProcessor.specialTokenIDs
        guard needed.allSatisfy({ Int($0) < count }) else { return nil }
        var copy = self
        copy.embeddings = (count, place)
        return copy
    }

    /// - Throws: ``TokenizerError/text(stage:reason:index:)`` where a token has no embedding.
    func checkEmbeddings(_ ids: TokenBuffer) throws {
        guard let embeddings, let id = ids.elements.first(where: { Int($0) >= embeddings.count }) else {
            return
        }
        throw TokenizerError.text(
            stage: embeddings.place,
            reason:
                "a text has the token \(quoted(idToToken(id) ?? "")), whose id \(id) is beyond the model's vocab_size "
                + "\(embeddings.count); remove it from the text, or use the tokenizer that belongs to the model",
            index: nil)
    }
}

// MARK: - Segments

extension Tokenizer {
    /// Returns true if a text, or a pair, has tokens of a token type other than 0.
    public func givesSegments(pairs: Bool) -> Bool {
        postProcessor.template(isPair: pairs).contains { $0.typeID != 0 }
    }

    /// The largest token type that any text or pair has.
    public var largestSegment: Int {
        Int(
            (postProcessor.template(isPair: false) + postProcessor.template(isPair: true)).map(\.typeID).max()
                ?? 0)
    }

    /// The same tokenizer with token type 0 for every token, as for models without token types.
    public var withoutSegments: Tokenizer {
        var copy = self
        copy.postProcessor = UnsegmentedPostProcessor(base: postProcessor)
        return copy
    }

    /// The same tokenizer that puts nothing around a text: for static tables, whose texts are their tokens alone.
    public var withoutSpecialTokens: Tokenizer {
        var copy = self
        copy.postProcessor = PlainPostProcessor()
        return copy
    }
}

// MARK: - Vocabulary

extension Tokenizer {
    /// The number of tokens, added ones included.
    public var vocabularySize: Int { addedVocabulary.vocabulary.count }

    /// The largest id of a token; a model needs an embedding for each id up to this one.
    public var largestTokenID: Int32 { addedVocabulary.vocabulary.ids.last ?? 0 }

    /// The id of a token, if there is such a token. Tokens are compared byte by byte.
    public func tokenToID(_ token: String) -> Int32? { addedVocabulary.vocabulary.id(of: token) }

    /// The token of an id, if there is one.
    public func idToToken(_ id: Int32) -> String? { addedVocabulary.vocabulary.token(of: id) }

    /// Returns true if both tokenizers have the same tokens with the same ids, byte for byte.
    public func hasSameVocabulary(as other: Tokenizer) -> Bool {
        addedVocabulary.vocabulary.isEqual(to: other.addedVocabulary.vocabulary)
    }

    /// The id of the token that begins a generated text, such as `<s>`.
    public var bosTokenID: Int32? { specialTokenIDs[.bos] }
    /// The id of the token that ends a generated text, such as `</s>`.
    public var eosTokenID: Int32? { specialTokenIDs[.eos] }
    /// The id of `[PAD]` or whatever fills rows up.
    public var padTokenID: Int32? { specialTokenIDs[.padding] }
    /// The id of `[UNK]` or the corresponding token for unknown words.
    public var unknownTokenID: Int32? { specialTokenIDs[.unknown] }
    /// The id of `[CLS]` or whatever begins a text.
    public var clsTokenID: Int32? { specialTokenIDs[.cls] }
    /// The id of `[SEP]` or whatever ends a text.
    public var sepTokenID: Int32? { specialTokenIDs[.sep] }
    /// The id of `[MASK]` or whatever hides a word.
    public var maskTokenID: Int32? { specialTokenIDs[.mask] }
}
