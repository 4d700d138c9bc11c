import CTorch
import Foundation
import Synchronization

/// The measured speed of one transformer layer on this machine, for each way of computing it.
///
/// A processor's flags are not enough: one that multiplies bfloat16 may do so at half of its speed in float32, and
/// whether the kernels of this package or libtorch's are faster depends on the processor's make. What is decided by it
/// is decided with a margin, so that the same machine decides alike each time.
public struct Calibration: Sendable, Equatable {
    /// A way to compute a layer.
    public enum Way: String, CaseIterable, Sendable {
        case kernelsFloat32 = "kernels_float32"
        case kernelsBFloat16 = "kernels_bfloat16"
        case kernelsInt8 = "kernels_int8"
        case libtorchFloat32 = "libtorch_float32"
        case libtorchBFloat16 = "libtorch_bfloat16"
        case libtorchInt8 = "libtorch_int8"
        /// A single example, as latency is measured; the others are of eight.
        case kernelsInt8Single = "kernels_int8_single"
        case libtorchInt8Single = "libtorch_int8_single"

        fileprivate var code: ct_way {
            switch self {
            case .kernelsFloat32: CT_WAY_KERNELS_FLOAT32
            case .kernelsBFloat16: CT_WAY_KERNELS_BFLOAT16
            case .kernelsInt8: CT_WAY_KERNELS_INT8
            case .libtorchFloat32: CT_WAY_LIBTORCH_FLOAT32
            case .libtorchBFloat16: CT_WAY_LIBTORCH_BFLOAT16
            case .libtorchInt8: CT_WAY_LIBTORCH_INT8
            case .kernelsInt8Single: CT_WAY_KERNELS_INT8_SINGLE
            case .libtorchInt8Single: CT_WAY_LIBTORCH_INT8_SINGLE
            }
        }
    }

    /// The factor by which libtorch must be faster than the kernels to be preferred: they need no padding, and what is
    /// between the products costs them less in training.
    static let libtorchMargin = 1.8
    /// The factor by which libtorch's forward pass of a layer must be faster to train as fast as the kernels: it
    /// computes padded batches, converts weights in every step, and its backward pass is many operations. On a Xeon
    /// with AMX bfloat16 by libtorch was 2.5 times as fast as float32 by the kernels in this measurement, and trained a
    /// student at the same speed (217 and 226 examples/s).
    static let libtorchTrainingCost = 3.0
    /// bfloat16 must be so much faster than float32, which is more exact.
    static let bfloat16Margin = 1.2
    /// int8 must be so much faster than float32 to be called faster.
    static let int8Margin = 1.1

    /// Floating-point operations a second, in units of 10⁹, of each way that was measured.
    public let gigaflops: [Way: Double]

    public init(gigaflops: [Way: Double]) { self.gigaflops = gigaflops }

    /// Measures this machine in some tenths of a second, with a thread on each processor: what is decided by it must not
    /// depend on the number of threads of a run.
    ///
    /// - Throws: ``TorchError`` where memory is short.
    public static func measure() throws -> Calibration {
        var seconds = [Double](repeating: 0, count: Int(CT_WAYS.rawValue))
        try Runtime.withThreadCount(Int(ct_available_processors())) { try check(ct_calibrate(&seconds)) }
        let pairs = Way.allCases.map {
            ($0, ct_calibration_operations($0.code) / seconds[Int($0.code.rawValue)] / 1e9)
        }
        return Calibration(gigaflops: Dictionary(uniqueKeysWithValues: pairs))
    }

    /// Returns true if this package's kernels rather than libtorch's operations should compute in a type.
    public func prefersKernels(for dtype: DType) -> Bool {
        switch dtype {
        case .float32: prefers(.kernelsFloat32, over: .libtorchFloat32)
        case .bfloat16: prefers(.kernelsBFloat16, over: .libtorchBFloat16)
        // One choice for all sizes, so that logits do not depend on the batch: libtorch's must not cost latency.
        case .int8:
            prefers(.kernelsInt8, over: .libtorchInt8)
                || prefers(.kernelsInt8Single, over: .libtorchInt8Single)
        default: false
        }
    }

    /// True if training in bfloat16 is clearly faster than in float32.
    public var prefersBFloat16: Bool {
        func training(_ dtype: DType) -> Double {
            speed(dtype) / (prefersKernels(for: dtype) ? 1 : Self.libtorchTrainingCost)
        }
        return training(.bfloat16) > training(.float32) * Self.bfloat16Margin
    }

    /// True if int8 is clearly faster than float32.
    public var prefersInt8: Bool { speed(.int8) > speed(.float32) * Self.int8Margin }

    /// Operations a second, in units of 10⁹, of a type by the way that is taken.
    public func speed(_ dtype: DType) -> Double {
        let kernels = prefersKernels(for: dtype)
        let way: Way? =
            switch dtype {
            case .float32: kernels ? .kernelsFloat32 : .libtorchFloat32
            case .bfloat16: kernels ? .kernelsBFloat16 : .libtorchBFloat16
            case .int8: kernels ? .kernelsInt8 : .libtorchInt8
            default: nil
            }
        return way.flatMap { gigaflops[$0] } ?? 0
    }

    private func prefers(_ kernels: Way, over libtorch: Way) -> Bool {
        switch PackedKernels.environmentChoice {
        case .kernels: true
        case .libtorch: false
        case nil: (gigaflops[kernels] ?? 0) * Self.libtorchMargin >= (gigaflops[libtorch] ?? 0)
        }
    }
}

extension Calibration {
    private struct State {
        var known: Calibration?
        var load: @Sendable () -> Calibration? = { nil }
        var save: @Sendable (Calibration) -> Void = { _ in }
    }
    private static let state = Mutex(State())

    /// The calibration that this process uses: the one passed to ``use(_:)``, otherwise the saved one, otherwise one
    /// that is measured when it is first needed.
    ///
    /// Where a measurement fails for want of memory, the kernels compute in float32.
    public static var current: Calibration {
        state.withLock { state in
            if let known = state.known { return known }
            if let kept = state.load() {
                state.known = kept
                return kept
            }
            guard let measured = try? measure() else {
                return Calibration(gigaflops: [.kernelsFloat32: 1, .kernelsInt8: 1])
            }
            state.save(measured)
            state.known = measured
            return measured
        }
    }

    /// The calibration that this process has used, saved or measured; `nil` if nothing has depended on one yet.
    public static var decided: Calibration? { state.withLock(\.known) }

    /// Takes an earlier measurement of this machine.
    public static func use(_ calibration: Calibration) { state.withLock { $0.known = calibration } }

    /// Sets the functions that load and save measurements.
    public static func keep(
        load: @escaping @Sendable () -> Calibration?, save: @escaping @Sendable (Calibration) -> Void
    ) {
        state.withLock { ($0.load, $0.save) = (load, save) }
    }
}
