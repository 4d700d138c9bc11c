// Models are described by `ModelConfiguration` and `TaskIdentifier`, so importing this module provides them
// too.
@_exported import Architectures
import Torch

extension ModelConfiguration {
    /// The initializer of fresh weights.
    var initializer: ParameterInitializer { .normal(standardDeviation: initializerRange) }
}

extension QuantizationConfiguration {
    /// The dynamic quantization of the inputs of int8 layers that have no fixed scale.
    var dynamicInput: ActivationQuantization { activations == .perTensor ? .perTensor : .perToken }
}

extension Activation {
    /// Makes the activation that a configuration names.
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
