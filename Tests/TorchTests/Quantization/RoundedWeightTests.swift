import Testing

@testable import Torch

/// Weights that are rounded for the forward pass while the numbers behind them are trained.
@Suite struct RoundedWeightTests {
    /// ggml's number of Q4_0.
    private static let q40: Int32 = 2

    private static func numbers(_ rows: Int, _ columns: Int) throws -> Tensor {
        try Tensor((0..<rows * columns).map { Float(($0 * 37) % 101) / 50 - 1 }, shape: [rows, columns])
    }

    @Test("the gradient passes as if nothing were rounded, and is added up", arguments: [false, true])
    func gradient(_ isTransposed: Bool) throws {
        let weight = try Self.numbers(64, 64)
        try weight.setRequiresGrad(true)
        let rounded = try RoundedWeight(
            name: "w", weight: weight, type: Self.q40, isTransposed: isTransposed)
        let factors = try Tensor((0..<64 * 64).map { Float($0 % 7) }, shape: [64, 64])
        for pass in 1...2 {
            try (weight * factors).sum().backward()
            #expect(!weight.hasGradient)
            let gradient: [Float] = try #require(try rounded.numbers.gradient).array()
            #expect(gradient == (0..<64 * 64).map { Float($0 % 7) * Float(pass) })
        }
    }

    @Test("blocks run along the inputs, and the weight follows the numbers", arguments: [false, true])
    func blocks(_ isTransposed: Bool) throws {
        let weight = try Self.numbers(32, 96)
        let stored = try isTransposed ? weight.transposed(0, 1).contiguous() : weight.clone()
        let rounded = try RoundedWeight(
            name: "w", weight: stored, type: Self.q40, isTransposed: isTransposed)
        let plain = try weight.clone()
        let other = try RoundedWeight(name: "w", weight: plain, type: Self.q40, isTransposed: false)
        func values() throws -> [Float] {
            try (isTransposed ? stored.transposed(0, 1).contiguous() : stored).array()
        }
        #expect(try values() == plain.array(of: Float.self))
        #expect(try values() != weight.array(of: Float.self))
        let before = try values()
        try withNoGrad {
            for numbers in [rounded.numbers, other.numbers] { try numbers.copy(from: numbers * 1.7) }
        }
        #expect(try values() == before)
        try rounded.round()
        try other.round()
        #expect(try values() == plain.array(of: Float.self))
        #expect(try values() != before)
    }

    @Test("inputs that no block fills are an error that says so")
    func refused() throws {
        let weight = try Self.numbers(4, 40)
        let error = #expect(throws: TorchError.self) {
            try RoundedWeight(name: "w", weight: weight, type: Self.q40, isTransposed: false)
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("rows of 40 numbers"))
    }
}
