import CTorch

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

    /// The activation of a gate times what it gates, element by element (Shazeer, arXiv 2002.05202), in their type.
    public func gated(_ gate: Tensor, _ up: Tensor) throws -> Tensor {
        guard PackedKernels.arePreferred(for: gate.dtype, on: gate.device),
            let product = try gatedByKernels(gate, up)
        else { return try self(gate) * up }
        return product
    }

    /// The activation of all tokens' rows. Where no gradient is recorded the kernels compute it, so that a row's bits do not depend on
    /// the others.
    public func tokens(_ x: Tensor) throws -> Tensor {
        guard PackedKernels.arePreferred(for: x.dtype, on: x.device), !(ct_grad_enabled() && x.requiresGrad),
            let code = PackedEncoderLayer.code(self)
        else { return try self(x) }
        return try .make { ct_gated(x.handle, nil, code, $0) }
    }

    /// The same by the kernels; `nil` where they do not have the activation.
    func gatedByKernels(_ gate: Tensor, _ up: Tensor) throws -> Tensor? {
        try PackedEncoderLayer.code(self).map { code in
            try .make { ct_gated(gate.handle, up.handle, code, $0) }
        }
    }
}
