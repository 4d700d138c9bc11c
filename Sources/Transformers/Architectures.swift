// Models are described by `ModelConfiguration` and `TaskIdentifier`: whoever imports models gets them too.
@_exported import Architectures
import Torch

extension ModelConfiguration {
    /// How fresh weights start.
    var initializer: ParameterInitializer { .normal(standardDeviation: initializerRange) }
}

extension QuantizationConfiguration {
    /// What goes into int8 layers that have no fixed scale.
    var dynamicInput: ActivationQuantization { activations == .perTensor ? .perTensor : .perToken }
}

extension Activation {
    /// The function that a configuration names.
    init(_ name: ActivationName) {
        self =
            switch name {
            case .gelu: .gelu
            case .geluNew: .geluNew
            case .geluTanh: .geluTanh
            case .relu: .relu
            case .silu: .silu
            case .swish: .swish
            case .tanh: .tanh
            case .sigmoid: .sigmoid
            }
    }
}
