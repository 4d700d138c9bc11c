/// An activation function by Hugging Face's name (`ACT2FN`).
public enum ActivationName: String, CaseIterable, Sendable {
    case gelu
    case geluNew = "gelu_new"
    case geluTanh = "gelu_pytorch_tanh"
    case relu
    case silu
    case swish
    case tanh
    case sigmoid

    /// Other names that transformers has for the same function.
    static let aliases = ["gelu_python": "gelu", "gelu_fast": "gelu_new", "gelu_accurate": "gelu_new"]

    /// Makes the activation of that name, or of an alias of it.
    init?(named name: String) { self.init(rawValue: Self.aliases[name] ?? name) }
}
