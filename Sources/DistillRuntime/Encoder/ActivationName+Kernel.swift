import Architectures
import CKernels

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
}
