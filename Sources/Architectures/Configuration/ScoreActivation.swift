/// The function that makes a cross-encoder's score of its logit, as sentence-transformers' `CrossEncoder` reads it from `config.json`.
public enum ScoreActivation: String, CaseIterable, Sendable, Codable {
    /// The logit itself.
    case identity
    /// 1 / (1 + exp(−logit)), from 0 to 1: `CrossEncoder`'s own where a directory names none.
    case sigmoid

    /// The name of the class in PyTorch, as `config.json` has it.
    public var className: String {
        switch self {
        case .identity: "torch.nn.modules.linear.Identity"
        case .sigmoid: "torch.nn.modules.activation.Sigmoid"
        }
    }

    /// The function of a class of PyTorch, under the name of its module or the short one (`torch.nn.Sigmoid`); `nil` for another.
    public init?(className: String) {
        guard className.hasPrefix("torch.nn."), let name = className.split(separator: ".").last else {
            return nil
        }
        switch name {
        case "Identity": self = .identity
        case "Sigmoid": self = .sigmoid
        default: return nil
        }
    }
}
