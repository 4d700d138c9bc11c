import Testing
import Torch

@Suite("Weighted sums over packed sequences")
struct PooledSequencesTests {
    private let offsets = [0, 3, 4, 9, 11]

    private func tokens(_ seed: UInt64, width: Int) throws -> Tensor {
        try Tensor.normal([11, width], mean: 0, standardDeviation: 1, seed: seed)
    }

    @Test("sums and gradients are those of libtorch's operations on padded sequences", arguments: [1, 8, 33])
    func golden(width: Int) throws {
        let weights: [Float] = (0..<11).map { 0.25 * Float($0) - 1 }
        let factors = try Tensor.normal([4, width], mean: 0, standardDeviation: 1, seed: 9)
        func result(_ pool: (Tensor) throws -> Tensor) throws -> (values: [Float], gradient: [Float]) {
            let leaf = try tokens(3, width: width)
            try leaf.setRequiresGrad(true)
            let sums = try pool(leaf)
            try (sums * factors).sum().backward()
            return (try sums.detached().array(), try #require(try leaf.gradient).array())
        }
        let own = try result { try $0.pooled(offsets: offsets, weights: weights) }
        let scale = try Tensor(weights, shape: [11, 1])
        let plain = try result { try ($0 * scale).padded(offsets: offsets).sum(1) }
        #expect(zip(own.values, plain.values).allSatisfy { abs($0 - $1) <= 1e-5 })
        // Each is one product.
        #expect(own.gradient == plain.gradient)
    }

    @Test("a sequence's sum has the same bits whatever the others, on any number of threads")
    func alone() throws {
        let all = try tokens(5, width: 40)
        let weights = [Float](repeating: 0.3, count: 11)
        for count in [1, 2, 3] {
            let together: [Float] = try Runtime.withThreadCount(count) {
                try all.pooled(offsets: offsets, weights: weights).array()
            }
            for (row, (start, end)) in zip(offsets, offsets.dropFirst()).enumerated() {
                let alone: [Float] = try all[start..<end].pooled(
                    offsets: [0, end - start], weights: Array(weights[start..<end])
                ).array()
                #expect(alone == Array(together[row * 40..<(row + 1) * 40]))
            }
        }
    }

    @Test(
        "offsets and weights that do not fit are refused",
        arguments: [[0, 3, 12], [1, 11], [0, 8, 4, 11], [0]])
    func refusals(offsets: [Int]) throws {
        let all = try tokens(5, width: 4)
        #expect(throws: TorchError.self) {
            try all.pooled(offsets: offsets, weights: [Float](repeating: 1, count: 11))
        }
        #expect(throws: TorchError.self) { try all.pooled(offsets: self.offsets, weights: [1]) }
    }
}
