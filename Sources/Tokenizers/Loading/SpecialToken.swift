/// The special tokens that models give names to.
enum SpecialToken: String, CaseIterable, Sendable {
    case unknown = "unk_token"
    case sep = "sep_token"
    case padding = "pad_token"
    case cls = "cls_token"
    case mask = "mask_token"

    /// What BERT calls it.
    var bertName: String {
        switch self {
        case .unknown: "[UNK]"
        case .sep: "[SEP]"
        case .padding: "[PAD]"
        case .cls: "[CLS]"
        case .mask: "[MASK]"
        }
    }
}
