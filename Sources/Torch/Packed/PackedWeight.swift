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

    /// True if the kernels can multiply by it at all.
    var isFloat32: Bool { weight.dtype == .float32 && weight.device.kind == .cpu }

    /// (rows, inputs) → (rows, outputs), in the input's type, or in float32 where gradients are not recorded.
    func callAsFunction(_ x: Tensor, inFloat32: Bool = false) throws -> Tensor {
        try .make {
            ct_projection(x.handle, weight.handle, bias?.handle, isTransposed, inFloat32, &packed, $0)
        }
    }

    /// The products of one input with several weights that are not transposed, for inference.
    static func products(_ x: Tensor, _ all: [PackedWeight]) throws -> [Tensor] {
        var outputs = [ct_tensor?](repeating: nil, count: all.count)
        let (weights, biases): ([ct_tensor?], [ct_tensor?]) = (
            all.map(\.weight.handle), all.map { $0.bias?.handle }
        )
        try withKept(all) { packed in
            try check(ct_projections(x.handle, weights, biases, all.count, packed, &outputs))
        }
        return try outputs.map {
            guard let handle = $0 else { throw TorchError(kind: .internal, "linear returned no tensor") }
            return Tensor(owning: handle)
        }
    }
    /// Calls a body with what is packed of several weights, which it may pack anew; what it packed before it threw is kept too.
    static func withKept<Result>(
        _ all: [PackedWeight], _ body: (UnsafeMutablePointer<ct_packed_weight?>?) throws -> Result
    ) rethrows -> Result {
        var packed = all.map(\.packed)
        defer { for (place, own) in all.enumerated() { own.packed = packed[place] } }
        return try packed.withUnsafeMutableBufferPointer { try body($0.baseAddress) }
    }
}
