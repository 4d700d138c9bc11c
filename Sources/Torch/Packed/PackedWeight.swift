import CTorch

/// A linear layer's weight as the kernels multiply by it: packed once for a frozen model, anew in each training step.
final class PackedWeight {
    private let weight: Tensor
    private let bias: Tensor?
    private let isTransposed: Bool
    private var packed: ct_packed_weight?

    /// - Parameters:
    ///   - weight: (outputs, inputs) float32, or (inputs, outputs) if it is transposed.
    ///   - bias: (outputs) float32.
    init(_ weight: Tensor, bias: Tensor?, isTransposed: Bool = false) {
        (self.weight, self.bias, self.isTransposed) = (weight, bias, isTransposed)
    }

    deinit { if let packed { ct_packed_weight_free(packed) } }

    /// True if the kernels should multiply such an input.
    func suits(_ x: Tensor) -> Bool {
        weight.dtype == .float32 && (x.dtype == .float32 || x.dtype == .bfloat16) && x.shape.count == 2
            && weight.device.kind == .cpu && PackedKernels.arePreferred(for: x.dtype, on: x.device)
    }

    /// (rows, inputs) → (rows, outputs), in the input's type, or in float32 where gradients are not recorded.
    func callAsFunction(_ x: Tensor, inFloat32: Bool = false) throws -> Tensor {
        try .make {
            ct_projection(x.handle, weight.handle, bias?.handle, isTransposed, inFloat32, &packed, $0)
        }
    }
}
