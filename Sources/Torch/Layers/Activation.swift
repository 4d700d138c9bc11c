/// The activation functions of transformers, by Hugging Face's names (`ACT2FN`).
public enum Activation: String, CaseIterable, Sendable {
    case gelu
    case geluNew = "gelu_new"
    case geluTanh = "gelu_pytorch_tanh"
    case relu
    case silu
    case swish
    case tanh
    case sigmoid

    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        switch self {
        case .gelu: try x.gelu()
        case .geluNew, .geluTanh: try x.geluTanh()
        case .relu: try x.relu()
        case .silu, .swish: try x.silu()
        case .tanh: try x.tanh()
        case .sigmoid: try x.sigmoid()
        }
    }
}
