/// The way transformers builds a tokenizer: from `tokenizer.json` as it is, or, for classes with stages of their own,
/// from the file's vocabulary with those stages around it. The rest of the file is then ignored.
enum TokenizerKind: Sendable, Equatable {
    /// `tokenizer.json` as it is: `TokenizersBackend`, which 4.x called `PreTrainedTokenizerFast`.
    case file
    case bert
    /// BERT's stages; token types are not passed to the model.
    case distilBert
    case mpnet
    case roberta
    case gpt2
    case deberta
    case xlmRoberta
    case camembert
    case albert
    case debertaV2
    /// SentencePiece's byte pair encoding with byte fallback, of Llama 1 and 2, TinyLlama and others.
    case llama
    case qwen2
    case gemma

    /// Selects a kind as `AutoTokenizer` does.
    ///
    /// - Parameters:
    ///   - named: `tokenizer_class` of `tokenizer_config.json`, else of `config.json`.
    ///   - modelType: `model_type` of `config.json`.
    /// - Returns: `nil` where neither says anything.
    /// - Throws: what `unsupported` makes of the name of a class that is written in Python.
    init?(named: String?, modelType: String?, unsupported: (String) -> TokenizerError) throws {
        // transformers ignores the class in the files of these models, which name many.
        if modelType == "modernbert" || modelType == "mistral" && named != nil {
            self = .file
        } else if modelType == "qwen2" {
            self = .qwen2
        } else if let named, !named.isEmpty {
            let name = named.hasSuffix("Fast") ? String(named.dropLast(4)) : named
            if Self.pythonClasses.contains(name) { throw unsupported(name) }
            self = Self.classes[name] ?? .file
        } else if let modelType {
            self = Self.modelTypes[modelType] ?? .file
        } else {
            return nil
        }
    }

    /// The kinds by the names of classes, without "Fast".
    private static let classes: [String: TokenizerKind] = [
        "BertTokenizer": .bert, "ConvBertTokenizer": .bert, "ElectraTokenizer": .bert,
        "LayoutLMTokenizer": .bert,
        "LxmertTokenizer": .bert, "MobileBertTokenizer": .bert, "RetriBertTokenizer": .bert,
        "SqueezeBertTokenizer": .bert, "DistilBertTokenizer": .distilBert, "MPNetTokenizer": .mpnet,
        "RobertaTokenizer": .roberta, "BartTokenizer": .roberta, "LongformerTokenizer": .roberta,
        "LEDTokenizer": .roberta, "GPT2Tokenizer": .gpt2, "DebertaTokenizer": .deberta,
        "XLMRobertaTokenizer": .xlmRoberta, "CamembertTokenizer": .camembert, "AlbertTokenizer": .albert,
        "DebertaV2Tokenizer": .debertaV2, "LlamaTokenizer": .llama, "Qwen2Tokenizer": .qwen2,
        "GemmaTokenizer": .gemma,
    ]

    /// The kinds of models whose files name no class.
    private static let modelTypes: [String: TokenizerKind] = [
        "bert": .bert, "distilbert": .bert, "electra": .bert, "mpnet": .mpnet, "roberta": .roberta,
        "xlm-roberta": .xlmRoberta, "camembert": .camembert, "albert": .albert, "deberta": .deberta,
        "deberta-v2": .debertaV2, "gpt2": .gpt2, "qwen3": .qwen2, "gemma3_text": .gemma,
    ]

    /// Classes that do not read `tokenizer.json`, since they are written in Python.
    private static let pythonClasses: Set<String> = [
        "BertJapaneseTokenizer", "BertweetTokenizer", "ByT5Tokenizer", "CanineTokenizer", "EsmTokenizer",
        "FlaubertTokenizer", "PhobertTokenizer", "RoCBertTokenizer", "TapasTokenizer", "XLMTokenizer",
    ]
}

// MARK: - Defaults of the class

extension TokenizerKind {
    /// The names of the inputs of models of this kind.
    var inputNames: [String] {
        switch self {
        case .bert: ["input_ids", "token_type_ids", "attention_mask"]
        case .deberta, .debertaV2: ["input_ids", "attention_mask", "token_type_ids"]
        default: ["input_ids", "attention_mask"]
        }
    }

    /// A special token, if the class has it.
    func token(_ name: SpecialToken) -> AddedToken? { content(name).map { token(name, $0) } }

    /// A special token that a file gives by its text alone.
    func token(_ name: SpecialToken, _ content: String) -> AddedToken {
        var token = AddedToken(special: content)
        token.lstrip = name == .mask && (self == .mpnet || self == .camembert || self == .deberta)
        return token
    }

    /// Tokens besides the special ones, which are added where the files name none.
    var extraTokens: [String] { self == .camembert ? ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"] : [] }

    private func content(_ name: SpecialToken) -> String? {
        switch self {
        case .file: nil
        case .bert, .distilBert: Self.bertContent(name)
        case .gpt2: [.bos, .eos, .unknown].contains(name) ? "<|endoftext|>" : nil
        case .qwen2: [.eos, .unknown, .padding].contains(name) ? "<|endoftext|>" : nil
        case .llama: [.bos: "<s>", .eos: "</s>", .unknown: "<unk>"][name]
        case .gemma:
            [.bos: "<bos>", .eos: "<eos>", .unknown: "<unk>", .padding: "<pad>", .mask: "<mask>"][name]
        case .deberta, .debertaV2: Self.bertContent(Self.asPart(name))
        case .albert:
            switch name {
            case .unknown: "<unk>"
            case .padding: "<pad>"
            default: Self.bertContent(Self.asPart(name))
            }
        case .mpnet, .roberta, .xlmRoberta, .camembert:
            switch name {
            case .bos, .cls: "<s>"
            case .eos, .sep: "</s>"
            case .unknown: self == .mpnet ? "[UNK]" : "<unk>"
            case .padding: "<pad>"
            case .mask: "<mask>"
            }
        }
    }

    /// A text's begin and end are called by the names of BERT's tokens there.
    private static func asPart(_ name: SpecialToken) -> SpecialToken {
        name == .bos ? .cls : name == .eos ? .sep : name
    }

    private static func bertContent(_ name: SpecialToken) -> String? {
        switch name {
        case .unknown: "[UNK]"
        case .sep: "[SEP]"
        case .padding: "[PAD]"
        case .cls: "[CLS]"
        case .mask: "[MASK]"
        case .bos, .eos: nil
        }
    }
}
