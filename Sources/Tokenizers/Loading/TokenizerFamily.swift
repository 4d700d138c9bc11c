/// Tokenizers other than BERT's whose class tells what the files may leave out.
enum TokenizerFamily: Sendable {
    /// RoBERTa and those that have its special tokens.
    case roberta
    case mpnet
    case gpt2
    case albert
    case deberta

    /// Finds the family of a Python class, named without "Fast".
    init?(tokenizerClass: String) {
        switch tokenizerClass {
        case "RobertaTokenizer", "XLMRobertaTokenizer", "CamembertTokenizer", "BartTokenizer",
            "LongformerTokenizer":
            self = .roberta
        case "MPNetTokenizer": self = .mpnet
        case "GPT2Tokenizer": self = .gpt2
        case "AlbertTokenizer": self = .albert
        case "DebertaTokenizer", "DebertaV2Tokenizer": self = .deberta
        default: return nil
        }
    }

    /// Whether models of the family take `token_type_ids`.
    var tellsTextsApart: Bool { self == .albert || self == .deberta }

    /// The special token of the family, if it has one.
    func token(_ name: SpecialToken) -> AddedToken? {
        let content: String? =
            switch (self, name) {
            case (.gpt2, .unknown): "<|endoftext|>"
            case (.gpt2, _): nil
            case (.deberta, _): name.bertName
            case (.albert, .unknown): "<unk>"
            case (.albert, .padding): "<pad>"
            case (.albert, _): name.bertName
            case (.mpnet, .unknown): "[UNK]"
            case (_, .unknown): "<unk>"
            case (_, .sep): "</s>"
            case (_, .padding): "<pad>"
            case (_, .cls): "<s>"
            case (_, .mask): "<mask>"
            }
        guard let content else { return nil }
        var token = AddedToken(special: content)
        token.lstrip = name == .mask && self != .deberta
        return token
    }
}
