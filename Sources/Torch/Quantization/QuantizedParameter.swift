/// An int8 weight as a layer uses it.
public struct QuantizedParameter {
    public let weight: Int8Weight
    /// The quantization of the layer's input; without meaning for an embedding table.
    public let input: ActivationQuantization

    public init(weight: Int8Weight, input: ActivationQuantization = .perToken) {
        self.weight = weight
        self.input = input
    }

    /// Returns the tensors that are saved beside the values, with names in place of `weight`, as compressed-tensors
    /// names them.
    func companions() throws -> [(name: String, tensor: Tensor)] {
        var tensors = [(name: "weight_scale", tensor: weight.scales)]
        if case .fixed(let scale, let zeroPoint) = input {
            tensors += [
                ("input_scale", try Tensor([scale])), ("input_zero_point", try Tensor([zeroPoint])),
            ]
        }
        return tensors
    }
}
