/// The special tokens that models give names to, in the order in which Python adds them.
enum SpecialToken: String, CaseIterable, Sendable {
    case bos = "bos_token"
    case eos = "eos_token"
    case unknown = "unk_token"
    case sep = "sep_token"
    case padding = "pad_token"
    case cls = "cls_token"
    case mask = "mask_token"
}
