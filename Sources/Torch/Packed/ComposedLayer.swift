import CTorch

/// A layer's weights in the type that libtorch's operations multiply them in, brought up to date when a parameter has
/// changed.
final class ComposedLayer {
    let handle: ct_composed_layer
    let isBFloat16: Bool

    init(_ parameters: [Tensor], _ options: ct_layer_options) throws {
        var made: ct_composed_layer?
        try Tensor.withHandles(parameters) { handles, _ in
            try check(ct_composed_layer_make(handles, options, &made))
        }
        guard let made else { throw TorchError(kind: .internal, "an operation returned no layer") }
        handle = made
        isBFloat16 = options.bfloat16
    }

    deinit { ct_composed_layer_free(handle) }

    /// Returns true if the layer has weights of the requested type, after bringing them up to date.
    func suits(_ parameters: [Tensor], bfloat16: Bool) throws -> Bool {
        guard bfloat16 == isBFloat16 else { return false }
        try Tensor.withHandles(parameters) { handles, _ in
            try check(ct_composed_layer_refresh(handle, handles))
        }
        return true
    }

    func callAsFunction(
        _ x: PackedHidden, _ sequences: PackedSequences, _ parameters: [Tensor], _ options: ct_layer_options
    ) throws -> PackedHidden {
        let needsPaddedIndices = !ct_has_variable_length_attention(
            sequences.device.code, options.bfloat16, options.hidden / options.heads)
        return try sequences.withDeviceSequences(padded: needsPaddedIndices) { deviceSequences in
            try Tensor.withHandles(parameters) { handles, _ in
                try PackedHidden.make {
                    ct_composed_layer_run(
                        handle, handles, options, x.wide.handle, options.bfloat16 ? x.typed?.handle : nil,
                        deviceSequences, $0, $1)
                }
            }
        }
    }
}

extension PackedHidden {
    /// Runs a shim function that makes a hidden state, perhaps in two types.
    static func make(
        _ body: (UnsafeMutablePointer<ct_tensor?>, UnsafeMutablePointer<ct_tensor?>) -> ct_error?
    ) throws -> PackedHidden {
        var (wide, typed): (ct_tensor?, ct_tensor?) = (nil, nil)
        try check(body(&wide, &typed))
        guard let wide else { throw TorchError(kind: .internal, "an operation returned no tensor") }
        return PackedHidden(wide: Tensor(owning: wide), typed: typed.map { Tensor(owning: $0) })
    }
}
