import Torch
import Transformers

/// The parameters of a model with some of its weights in int8.
struct QuantizedSource: ParameterSource {
    /// The model in floating point, by full names.
    let parameters: ParameterStore
    /// All weights that may be int8, by their layers' names.
    let quantized: [String: QuantizedParameter]
    /// The layers that are.
    let chosen: Set<String>

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? { parameters[name] }

    func quantizedParameter(named name: String, shape: [Int], device: Device) throws -> QuantizedParameter? {
        guard name.hasSuffix(".weight") else { return nil }
        let layer = String(name.dropLast(".weight".count))
        return chosen.contains(layer) ? quantized[layer] : nil
    }
}
