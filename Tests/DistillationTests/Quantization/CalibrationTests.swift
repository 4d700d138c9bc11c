import Testing
import Torch

@testable import Distillation
@testable import Quantization

@Suite("Calibration")
struct CalibrationTests {
    private static func values(_ numbers: [Float]) throws -> ActivationRanges.Values {
        let ranges = ActivationRanges()
        let x = try Tensor(numbers, shape: [numbers.count, 1])
        _ = try ranges.input(x, of: "layer")
        ranges.isCounting = true
        _ = try ranges.input(x, of: "layer")
        return try #require(ranges.values["layer"])
    }

    private static func range(_ quantization: ActivationQuantization) -> (low: Float, high: Float) {
        guard case .fixed(let scale, let zero) = quantization else { return (.nan, .nan) }
        return (scale * Float(-128 - Int(zero)), scale * Float(127 - Int(zero)))
    }

    @Test("min-max takes all that was seen, and zero is a step of its own")
    func minMax() throws {
        let quantization = try Self.values([-1, 0.5, 3]).quantization(.minMax, percentile: 99)
        let (low, high) = Self.range(quantization)
        #expect(abs(low + 1) < 0.02 && abs(high - 3) < 0.02)
        // All above zero: the range begins at zero.
        let (lowest, _) = Self.range(try Self.values([2, 3]).quantization(.minMax, percentile: 99))
        #expect(lowest == 0)
    }

    @Test("the percentile leaves out so many values at each end")
    func percentile() throws {
        let numbers = (0..<10_000).map { Float($0) / 10_000 } + [1000, -500]
        let (low, high) = try Self.values(numbers).percentileRange(99.9)
        #expect(low > -2 && high < 2)
        let all = try Self.values(numbers).percentileRange(100)
        #expect(abs(all.0 + 500) < 1 && abs(all.1 - 1000) < 1)
    }

    @Test("entropy cuts a far outlier, and keeps an even spread whole")
    func entropy() throws {
        let even = (0..<20_000).map { Float($0) / 20_000 - 0.5 }
        let whole = try Self.values(even).entropyRange()
        #expect(whole.0 < -0.48 && whole.1 > 0.48)
        let bell = try Tensor.normal([40_000], seed: 1).array(of: Float.self)
        let (low, high) = try Self.values(bell + [60]).entropyRange()
        #expect(high < 20 && high > 1.5 && low < -1.5)
    }

    @Test(
        "the divergence is zero where every level holds one bin, and positive where bins that differ share one"
    )
    func divergence() {
        let counts = (0..<256).map { Double($0 % 7 + 1) }
        #expect(ActivationRanges.Values.divergence(counts, size: 256, levels: 256) < 1e-12)
        #expect(ActivationRanges.Values.divergence(counts, size: 256, levels: 128) > 1e-4)
    }

    @Test("an input that is always the same has a scale nevertheless", arguments: [Float(0), 4, -4])
    func constant(value: Float) throws {
        for method in CalibrationMethod.allCases {
            guard
                case .fixed(let scale, _) = try Self.values([value, value]).quantization(
                    method, percentile: 99.9)
            else { return }
            #expect(scale > 0 && scale.isFinite)
        }
    }

    @Test("numbers that are none are refused, with the layer's name")
    func notFinite() throws {
        let ranges = ActivationRanges()
        let error = #expect(throws: DistillationError.self) {
            try ranges.input(Tensor([1, .nan] as [Float], shape: [2, 1]), of: "bert.pooler.dense")
        }
        #expect(error?.description.contains("bert.pooler.dense") == true)
    }
}
