/// The quantization of an int8 layer's input.
///
/// Where the processor's int8 products would saturate (x86 without VNNI), half as many steps are used: 7 bits.
public enum ActivationQuantization: Sendable, Equatable {
    /// A scale for each token, from its largest element, symmetric.
    case perToken
    /// One scale for the whole batch, from its largest element, symmetric: it depends on the other examples of a batch.
    case perTensor
    /// A scale that calibration found: q = clamp(round(x / scale) + zeroPoint, −128, 127).
    case fixed(scale: Float, zeroPoint: Int8)
}
