import Architectures
import CKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension ActivationName {
    /// The number by which the kernels know it; `nil` where they do not have it.
    var kernelCode: Int32? {
        switch self {
        case .gelu: Int32(CK_GELU)
        case .geluNew, .geluTanh: Int32(CK_GELU_TANH)
        case .relu: Int32(CK_RELU)
        case .silu, .swish: Int32(CK_SILU)
        case .tanh, .sigmoid: nil
        }
    }

    /// The number by which the kernels know it between a layer's products.
    ///
    /// - Throws: ``RuntimeError`` where they do not have it.
    func layerCode(_ store: WeightStore) throws -> Int32 {
        guard let kernelCode else {
            throw RuntimeError(
                "\(store.path): there is no kernel for layers with the activation '\(rawValue)'; "
                    + "use `distill predict` for this model")
        }
        return kernelCode
    }

    /// Applies it to each value.
    func apply(to values: AlignedBuffer<Float>) {
        if let kernelCode {
            ck_activate(kernelCode, values.pointer, Int64(values.count))
            return
        }
        for index in 0..<values.count {
            let value = values.pointer[index]
            values.pointer[index] = self == .tanh ? hyperbolicTangent(value) : 1 / (1 + exp(-value))
        }
    }
}

/// The function, whose name is here that of an activation.
private func hyperbolicTangent(_ value: Float) -> Float { tanh(value) }
