import JSON

extension TokenizerParts {
    /// A tokenizer whose stages are those of its class, around the vocabulary that a file holds.
    ///
    /// - Throws: ``TokenizerError`` where the vocabulary is not of the kind that the class takes, or lacks a token that
    ///   it puts around texts.
    init(_ source: VocabularySource, as kind: TokenizerKind, _ settings: TokenizerSettings) throws {
        let stages = RebuiltStages(source: source, kind: kind, settings: settings)
        model = try stages.model()
        normalizer = try stages.normalizer()
        preTokenizer = try stages.preTokenizer()
        decoder = .success(try stages.decoder())
        postProcessor = try stages.postProcessor(model.vocabulary)
        // The tokens that the class adds come from the settings.
        addedTokens = []
        truncation = try source.content?.optionalObject("truncation").map(Truncation.init)
        padding = try source.content?.optionalObject("padding").map(Padding.init)
    }
}

/// The stages that transformers' classes make, with the settings of `tokenizer_config.json`.
private struct RebuiltStages {
    let source: VocabularySource
    let kind: TokenizerKind
    let settings: TokenizerSettings

    // MARK: - The model

    func model() throws -> any Model {
        switch kind {
        case .bert, .distilBert, .mpnet:
            return try WordPiece(
                vocabulary: source.vocabulary(), unknownToken: settings.requiredText(of: .unknown),
                file: source.file)
        case .roberta, .gpt2, .deberta:
            guard let merges = source.merges else { throw unfit("byte pair encoding with its merges") }
            return try BPE(vocabulary: source.vocabulary(), merges: merges, file: source.file)
        case .qwen2, .llama, .gemma:
            guard let merges = source.merges else { throw unfit("byte pair encoding with its merges") }
            return try BPE(
                vocabulary: source.vocabulary(), merges: merges,
                unknownToken: kind == .gemma ? settings.text(of: .unknown) : nil,
                fusesUnknown: kind != .qwen2, byteFallback: kind != .qwen2, file: source.file)
        case .xlmRoberta: return try unigram { _ in 3 }
        case .albert: return try unigram { _ in 1 }
        case .camembert:
            let unknown = settings.text(of: .unknown)
            return try unigram { pieces in unknown.flatMap { Self.place(of: $0, in: pieces) } ?? 0 }
        case .debertaV2:
            let unknown = settings.text(of: .unknown)
            let usual = try settings.integer("unk_id") ?? 1
            return try unigram { pieces in
                unknown.flatMap { Self.place(of: $0, in: pieces) }.flatMap {
                    pieces[$0].score == 0 ? $0 : nil
                } ?? usual
            }
        case .file: throw unfit("tokenizer.json")
        }
    }

    private func unigram(
        _ unknown: ([(token: String, score: Double)]) throws -> Int
    ) throws -> Unigram {
        guard case .pieces(let pieces) = source.tokens else {
            throw unfit("tokens with scores (Unigram)")
        }
        return try Unigram(pieces: pieces, unknownID: unknown(pieces), byteFallback: false, file: source.file)
    }

    private static func place(of token: String, in pieces: [(token: String, score: Double)]) -> Int? {
        pieces.firstIndex { $0.token.utf8.elementsEqual(token.utf8) }
    }

    private func unfit(_ wanted: String) -> TokenizerError {
        .malformed(
            file: source.file, key: "model",
            reason: "the tokenizer's class, \(settings.className), takes \(wanted); name the class that "
                + "belongs to this file as tokenizer_class, or PreTrainedTokenizerFast to take the file as it is"
        )
    }

    // MARK: - The stages before it

    func normalizer() throws -> (any Normalizer)? {
        switch kind {
        case .bert, .distilBert, .mpnet:
            return BertNormalizer(
                cleanText: true, handleChineseChars: try settings.flag("tokenize_chinese_chars", or: true),
                stripAccents: try settings.optionalFlag("strip_accents"),
                lowercase: try settings.flag("do_lower_case", or: true))
        case .xlmRoberta, .camembert: return try precompiled()
        case .albert:
            var stages: [any Normalizer] = ["``", "''"].map { Replace(.literal(Array($0.utf8)), with: "\"") }
            if try !settings.flag("keep_accents", or: false) {
                stages += [UnicodeNormalizer(composes: false, isCompatible: true), StripAccents()]
            }
            if try settings.flag("do_lower_case", or: true) { stages.append(Lowercase()) }
            if let precompiled = try precompiled() { stages.append(precompiled) }
            return NormalizerSequence(stages: stages)
        case .debertaV2:
            var stages: [any Normalizer] = []
            if try settings.flag("do_lower_case", or: false) { stages.append(Lowercase()) }
            stages.append(Replace(.lineSpaces, with: " "))
            stages.append(UnicodeNormalizer(composes: true, isCompatible: false))
            stages.append(Strip(left: false, right: true))
            return NormalizerSequence(stages: stages)
        case .qwen2: return UnicodeNormalizer(composes: true, isCompatible: false)
        case .gemma: return Replace(.literal([0x20]), with: "▁")
        case .roberta, .gpt2, .deberta, .llama, .file: return nil
        }
    }

    /// SentencePiece's map of characters, which is all that the class takes of the file's normalizer.
    private func precompiled() throws -> Precompiled? {
        guard let normalizer = try source.content?.optionalObject("normalizer") else { return nil }
        let isSequence = try normalizer.optionalString("type") == "Sequence"
        let stages = isSequence ? try normalizer.objects("normalizers") : [normalizer]
        return try stages.first { try $0.optionalString("type") == "Precompiled" }.map { try Precompiled($0) }
    }

    func preTokenizer() throws -> any PreTokenizer {
        switch kind {
        case .bert, .distilBert, .mpnet: return BertPreTokenizer()
        case .roberta, .gpt2, .deberta:
            return ByteLevel(addsPrefixSpace: try addsPrefixSpace(or: false), usesRegex: true)
        case .debertaV2:
            var stages: [any PreTokenizer] = []
            if try settings.flag("split_by_punct", or: false) {
                stages.append(
                    SplitPreTokenizer(.characters(UnicodeTables.punctuation), .isolated, inverts: false))
            }
            stages.append(try metaspace())
            return PreTokenizerSequence(stages: stages)
        case .qwen2:
            let split = SplitPreTokenizer(.llama3(Llama3Scanner(digits: 1)), .isolated, inverts: false)
            let bytes = ByteLevel(addsPrefixSpace: try addsPrefixSpace(or: false), usesRegex: false)
            return PreTokenizerSequence(stages: [split, bytes])
        case .llama:
            let scheme: Metaspace.PrependScheme =
                try settings.flag("legacy", or: false) ? .always : .first
            return Metaspace(scheme: try addsPrefixSpace(or: true) ? scheme : .never, splits: false)
        case .gemma: return SplitPreTokenizer(.literal([0x20]), .mergedWithPrevious, inverts: false)
        case .xlmRoberta, .camembert, .albert, .file:
            let spaces = SplitPreTokenizer(
                .characters(UnicodeTables.whitespace), .removed, inverts: false)
            return PreTokenizerSequence(stages: [spaces, try metaspace()])
        }
    }

    private func addsPrefixSpace(or usual: Bool) throws -> Bool {
        try settings.flag("add_prefix_space", or: usual)
    }

    private func metaspace() throws -> Metaspace {
        let without: Metaspace.PrependScheme = kind == .debertaV2 ? .first : .never
        return Metaspace(scheme: try addsPrefixSpace(or: true) ? .always : without)
    }

    // MARK: - The stages behind it

    func decoder() throws -> any TokenDecoder {
        switch kind {
        case .bert, .distilBert, .mpnet: return WordPieceDecoder(prefix: "##", cleansUp: true)
        case .roberta, .gpt2, .deberta, .qwen2: return ByteLevelDecoder()
        case .llama, .gemma:
            var stages: [any TokenDecoder] = [
                ReplaceDecoder(Replace(.literal(Array("▁".utf8)), with: " ")), ByteFallbackDecoder(),
                FuseDecoder(),
            ]
            if kind == .llama, try addsPrefixSpace(or: true) {
                stages.append(StripDecoder(content: [0x20], start: 1, stop: 0))
            }
            return DecoderSequence(stages: stages)
        case .xlmRoberta, .camembert, .albert, .debertaV2, .file: return MetaspaceDecoder(try metaspace())
        }
    }

    func postProcessor(_ vocabulary: Vocabulary) throws -> any PostProcessor {
        func id(_ name: SpecialToken) throws -> Int32 {
            // If the files set it to null, transformers uses its usual id.
            if settings.text(of: name) == nil, let usual = usualID(of: name) { return usual }
            let text = try settings.requiredText(of: name)
            return try settings.statedID(of: text) ?? vocabulary.id(of: text, as: name, file: source.file)
        }
        switch kind {
        case .bert, .distilBert, .debertaV2:
            return TemplateProcessing(cls: try id(.cls), sep: try id(.sep))
        case .mpnet:
            return TrimmingPostProcessor(
                RobertaProcessing.template(cls: try id(.cls), sep: try id(.sep)),
                trimming: OffsetTrimming(addsPrefixSpace: false))
        case .roberta:
            let trims = try settings.flag("trim_offsets", or: true)
            return TrimmingPostProcessor(
                RobertaProcessing.template(cls: try id(.cls), sep: try id(.sep)),
                trimming: trims ? OffsetTrimming(addsPrefixSpace: try addsPrefixSpace(or: false)) : nil)
        case .deberta: return RobertaProcessing.template(cls: try id(.cls), sep: try id(.sep))
        case .xlmRoberta, .camembert:
            return RobertaProcessing.template(cls: try id(.bos), sep: try id(.eos))
        case .albert:
            if let own = try ownPostProcessor() { return own }
            return TemplateProcessing(cls: try id(.cls), sep: try id(.sep))
        case .gpt2, .llama, .qwen2, .gemma, .file:
            return try ownPostProcessor() ?? PlainPostProcessor()
        }
    }

    private func usualID(of name: SpecialToken) -> Int32? {
        switch kind {
        case .bert, .distilBert: name == .cls ? 2 : 3
        case .mpnet: name == .cls ? 0 : 2
        case .debertaV2: 0
        default: nil
        }
    }

    /// The file's own post-processor, used for classes that define none.
    private func ownPostProcessor() throws -> (any PostProcessor)? {
        try source.content.flatMap { try StageRegistry.postProcessors.make(from: $0) }
    }
}
