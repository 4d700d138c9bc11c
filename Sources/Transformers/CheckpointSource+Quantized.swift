import Safetensors
import Torch

extension CheckpointSource {
    /// Returns the parameter in int8 with its scales, where the checkpoint stores it so.
    func quantizedParameter(named name: String, shape: [Int], device: Device) throws -> QuantizedParameter? {
        guard let quantization, let found = info(of: name), found.dtype == .int8 else { return nil }
        guard found.shape == shape else { throw mismatch(name, found.shape, shape) }
        let base = String(name.dropLast("weight".count))
        let values = try tensor(name, dtype: .int8, shape: shape, device: device)
        let scales = try tensor(
            base + "weight_scale", dtype: .float32, shape: [shape[0], 1], device: device)
        try requirePositive(scales, base + "weight_scale")
        var input = quantization.dynamicInput
        if info(of: base + "input_scale") != nil {
            let scale = try tensor(base + "input_scale", dtype: .float32, shape: [1], device: device)
            let zero = try tensor(base + "input_zero_point", dtype: .int8, shape: [1], device: device)
            try requirePositive(scale, base + "input_scale")
            input = .fixed(scale: Float(try scale.item()), zeroPoint: Int8(try zero.to(.float32).item()))
        }
        return QuantizedParameter(weight: try Int8Weight(values: values, scales: scales), input: input)
    }

    private func requirePositive(_ scales: Tensor, _ name: String) throws {
        let values: [Float] = try scales.array()
        guard values.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw TransformersError(
                "\(path): tensor '\(name)' has a scale that is not a positive number; quantise the model again"
            )
        }
    }
}
