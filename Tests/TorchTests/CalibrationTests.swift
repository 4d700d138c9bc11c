import Foundation
import Testing

@testable import Torch

@Suite("What is computed with is decided by measurement")
struct CalibrationTests {
    private func calibration(_ values: KeyValuePairs<Calibration.Way, Double>) -> Calibration {
        Calibration(gigaflops: Dictionary(uniqueKeysWithValues: values.map { ($0.key, $0.value) }))
    }

    /// A processor that multiplies bfloat16 at half of its float32 speed, as Xeons without AMX were measured.
    @Test("a bfloat16 unit that is slower than float32 is not used") func slowBFloat16() {
        let slow = calibration([
            .kernelsFloat32: 300, .kernelsBFloat16: 160, .libtorchFloat32: 250, .libtorchBFloat16: 120,
        ])
        #expect(!slow.prefersBFloat16)
    }

    /// What a Xeon with AMX was measured to do; both trained a student of three layers at the same speed.
    @Test("libtorch's bfloat16 must also make up for padding and its backward pass") func matrixUnit() {
        let measured = calibration([
            .kernelsFloat32: 148, .kernelsBFloat16: 149, .libtorchFloat32: 170, .libtorchBFloat16: 363,
        ])
        guard PackedKernels.environmentChoice == nil else { return }
        #expect(measured.prefersKernels(for: .float32) && !measured.prefersKernels(for: .bfloat16))
        #expect(!measured.prefersBFloat16)
    }

    @Test("a bfloat16 unit that is faster is used, by whichever way is fast", arguments: [true, false])
    func fastBFloat16(byKernels: Bool) {
        let fast = calibration([
            .kernelsFloat32: 450, .kernelsBFloat16: byKernels ? 900 : 200, .libtorchFloat32: 220,
            .libtorchBFloat16: byKernels ? 880 : 2000,
        ])
        guard PackedKernels.environmentChoice == nil else { return }
        #expect(fast.prefersKernels(for: .float32))
        #expect(fast.prefersBFloat16)
        #expect(fast.prefersKernels(for: .bfloat16) == byKernels)
    }

    /// What differs by less than a measurement's spread is decided alike each time: 10 % either way changes nothing.
    @Test("near ties go to the kernels and to float32", arguments: [0.9, 1.0, 1.1])
    func margins(factor: Double) {
        let near = calibration([
            .kernelsFloat32: 300, .libtorchFloat32: 300 * factor, .kernelsBFloat16: 300 * factor,
            .libtorchBFloat16: 300, .kernelsInt8: 300 * factor, .libtorchInt8: 300,
        ])
        guard PackedKernels.environmentChoice == nil else { return }
        #expect(near.prefersKernels(for: .float32))
        #expect(near.prefersKernels(for: .int8))
        #expect(!near.prefersBFloat16)
    }

    @Test("every way is measured") func measures() throws {
        let measured = try Calibration.measure()
        for way in Calibration.Way.allCases {
            let speed = try #require(measured.gigaflops[way])
            #expect(speed.isFinite && speed > 0, "\(way)")
        }
    }
}
