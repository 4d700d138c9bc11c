import CTorch

/// The element type that a model computes with. Its parameters and the optimizer's state stay float32.
public enum Precision: String, CaseIterable, Sendable, Codable {
    /// `bfloat16` where the device multiplies it clearly faster than float32 (``Calibration``), else `float32`.
    case auto
    case float32
    /// Mixed precision: matrices and activations in bfloat16; sums, normalization statistics, loss, master weights
    /// and optimizer in float32 (Micikevicius et al., arXiv 1710.03740; Kalamkar et al., arXiv 1905.12322).
    case bfloat16

    /// The type that is meant on a device: ``float32`` or ``bfloat16``.
    public func resolved(on device: Device) -> Precision {
        guard self == .auto else { return self }
        let isFaster =
            device.kind == .cpu ? Calibration.current.prefersBFloat16 : ct_has_fast_bfloat16(device.code)
        return isFaster ? .bfloat16 : .float32
    }

    /// The elements' type; ``auto`` means float32 until it is resolved.
    public var dtype: DType { self == .bfloat16 ? .bfloat16 : .float32 }
}
