import CTorch

/// The kernels of this package for transformer encoders on packed sequences.
public enum PackedKernels {
    /// Whether they are the fastest way to compute in a type on a device: on processors with AVX-512.
    ///
    /// `DISTILL_CPU_CAPABILITY` decides otherwise: `libtorch` turns them off; `avx512_bf16`, `avx512`, `avx2` or
    /// `default` choose the kernels for a lesser instruction set, with the same results.
    public static func arePreferred(for dtype: DType, on device: Device) -> Bool {
        guard device.kind == .cpu else { return false }
        switch dtype {
        case .float32: return ct_kernels_preferred(false)
        case .bfloat16: return ct_kernels_preferred(true)
        default: return false
        }
    }

    /// The instruction set that they were chosen for, such as `avx512_bf16`.
    public static var instructionSet: String { String(cString: ct_kernels_name()) }

    /// Floating-point operations a second that their innermost loop reaches on all threads with data in the first
    /// cache, in units of 10⁹: what a matrix product can at most reach.
    public static func peakGigaflops(_ dtype: DType) -> Double { ct_kernels_peak(dtype == .bfloat16) }

    /// What dropout in these kernels multiplies a matrix (rows, columns) with: 0, or 1 / (1 − probability).
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

/// Where the examples of a batch begin among its tokens, which stand one after another without padding.
public struct PackedSequences {
    /// The first token of each example, and the number of all tokens.
    public let offsets: [Int]
    let tensor: Tensor

    /// - Throws: ``TorchError`` where memory is short.
    public init(offsets: [Int]) throws {
        self.offsets = offsets
        tensor = try Tensor(offsets)
    }

    /// The number of examples.
    public var count: Int { offsets.count - 1 }
}
