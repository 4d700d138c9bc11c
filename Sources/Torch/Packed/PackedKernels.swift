import CTorch
import Foundation

/// The kernels of this package for transformer encoders on packed sequences.
public enum PackedKernels {
    enum Choice {
        case kernels, libtorch
    }

    /// The value of `DISTILL_CPU_CAPABILITY`: `libtorch` turns the kernels off; `amx_bf16`, `avx512_bf16`, `avx512`, `avx2` or
    /// `default` (on ARM `neon_bf16`, `neon_i8mm`, `neon_dotprod`, `neon` or `default`) choose those for a lesser instruction set, with
    /// the same results.
    static let environmentChoice: Choice? = ProcessInfo.processInfo.environment["DISTILL_CPU_CAPABILITY"].map
    {
        $0 == "libtorch" ? .libtorch : .kernels
    }

    /// True if the kernels may be used at all: not if `DISTILL_CPU_CAPABILITY` is `libtorch`.
    static var areEnabled: Bool { environmentChoice != .libtorch }

    /// Returns true if the kernels should compute in a type on a device: on CPUs, unless libtorch is clearly faster
    /// (``Calibration``).
    ///
    /// `DISTILL_CPU_CAPABILITY` decides otherwise.
    public static func arePreferred(for dtype: DType, on device: Device) -> Bool {
        guard device.kind == .cpu else { return false }
        switch environmentChoice {
        case .kernels: return dtype == .float32 || dtype == .bfloat16 || dtype == .int8
        case .libtorch: return false
        case nil: return Calibration.current.prefersKernels(for: dtype)
        }
    }

    /// The instruction set that they were chosen for, such as `avx512_bf16`.
    public static var instructionSet: String { String(cString: ct_kernels_name()) }

    /// Floating-point operations a second that their innermost loop reaches on all threads with data in the L1
    /// cache, in units of 10⁹: what a matrix product can at most reach.
    ///
    /// - Throws: ``TorchError`` where there is no memory for the measurement.
    public static func peakGigaflops(_ dtype: DType) throws -> Double {
        var result = 0.0
        try check(ct_kernels_peak(dtype == .bfloat16, &result))
        return result
    }

    /// Computes left (rows, length) · right (columns, length)ᵀ as the layers multiply: with operands in float32 or bfloat16 and sums in
    /// float32.
    static func product(_ left: Tensor, _ right: Tensor, _ dtype: DType) throws -> Tensor {
        try .make { ct_kernels_product(dtype == .bfloat16, left.handle, right.handle, $0) }
    }

    /// Returns the factors by which dropout in these kernels multiplies a matrix (rows, columns): 0, or 1 / (1 −
    /// probability).
    ///
    /// - Throws: ``TorchError`` for an empty shape.
    public static func dropoutFactors(
        rows: Int, columns: Int, probability: Double, at position: DropoutState.Position
    ) throws -> Tensor {
        try .make {
            ct_dropout_bits(
                Int64(rows), Int64(columns), probability, position.seed, position.offset, $0)
        }
    }
}
