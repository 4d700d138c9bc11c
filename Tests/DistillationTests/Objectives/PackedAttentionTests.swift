import Foundation
import Testing
import Torch

@testable import Distillation

@Suite("Packed tokens, padded")
struct PackedAttentionTests {
    @Test("padding puts each example in its row, zeros behind it, and the gradient back")
    func padded() throws {
        let tokens = try Tensor((0..<12).map { Float($0 + 1) }, shape: [6, 2])
        try tokens.setRequiresGrad(true)
        let padded = try tokens.padded(offsets: [0, 2, 3, 6])
        #expect(padded.shape == [3, 3, 2])
        #expect(
            try padded.array(of: Float.self) == [1, 2, 3, 4, 0, 0, 5, 6, 0, 0, 0, 0, 7, 8, 9, 10, 11, 12])
        let factors = try Tensor((0..<18).map { Float($0) }, shape: [3, 3, 2])
        try (padded * factors).sum().backward()
        let gradient = try #require(try tokens.gradient).array(of: Float.self)
        #expect(gradient == [0, 1, 2, 3, 6, 7, 12, 13, 14, 15, 16, 17])
    }

    @Test("offsets that do not fit", arguments: [[0, 2, 5], [1, 6], [0], [], [0, 4, 3, 6]])
    func badOffsets(_ offsets: [Int]) throws {
        let tokens = try Tensor.zeros([6, 2])
        #expect(throws: TorchError.self) { try tokens.padded(offsets: offsets) }
    }

    @Test("padding has no probability, and its scores are 0")
    func masks() throws {
        let attention = try PackedAttention(offsets: [0, 2, 6], device: .cpu)
        #expect(attention.tokenCount == 6 && attention.pairCount == 4 + 16)
        let (query, key) = (try Tensor.normal([6, 4], seed: 1), try Tensor.normal([6, 4], seed: 2))
        let scores = try attention.scores(query, key, heads: 2)
        #expect(scores.shape == [2, 2, 4, 4])
        let probabilities = try attention.logProbabilities(scores).exp()
        let padding = try probabilities[0].sliced(dimension: 2, 2..<4)
        #expect(try padding.array(of: Float.self).allSatisfy { $0 == 0 })
        let sums = try probabilities.sum(-1).array(of: Float.self)
        #expect(sums.allSatisfy { abs($0 - 1) < 1e-6 })
        let unused = try scores[0].sliced(dimension: 2, 2..<4)
        #expect(try unused.array(of: Float.self).allSatisfy { $0 == 0 })
    }

    @Test("in a decoder a token sees itself and those before it")
    func causal() throws {
        for offsets in [[0, 2, 6], [0, 3, 6]] {
            let attention = try PackedAttention(offsets: offsets, device: .cpu, isCausal: true)
            let tokens = try Tensor.normal([6, 4], seed: 3)
            let values: [Float] = try tokens.array()
            let logs = try attention.logProbabilities(attention.scores(tokens, tokens, heads: 2))
            let longest = logs.shape[3]
            let all: [Float] = try logs.array()
            for (text, (start, end)) in zip(offsets, offsets.dropFirst()).enumerated() {
                for (head, query) in (0..<2).flatMap({ head in (0..<end - start).map { (head, $0) } }) {
                    // The definition, in double.
                    func product(_ a: Int, _ b: Int) -> Double {
                        (0..<2).reduce(0.0) {
                            $0 + Double(values[(start + a) * 4 + 2 * head + $1])
                                * Double(values[(start + b) * 4 + 2 * head + $1])
                        } / 2.0.squareRoot()
                    }
                    let sum = (0...query).reduce(0.0) { $0 + exp(product(query, $1)) }
                    let first = ((text * 2 + head) * longest + query) * longest
                    for key in 0..<longest {
                        let expected = key <= query ? exp(product(query, key)) / sum : 0
                        #expect(abs(exp(Double(all[first + key])) - expected) < 1e-6)
                    }
                }
            }
        }
    }

    @Test("distances between rows are those of the definition, and 0 has a gradient of 0")
    func distances() throws {
        let rows = try Tensor([0, 0, 3, 4, 3, 4] as [Float], shape: [3, 2])
        try rows.setRequiresGrad(true)
        let distances = try rows.distances(to: rows)
        #expect(try distances.array(of: Float.self) == [0, 5, 5, 5, 0, 0, 5, 0, 0])
        try distances.sum().backward()
        let gradient = try #require(try rows.gradient).array(of: Float.self)
        let expected: [Float] = [-2.4, -3.2, 1.2, 1.6, 1.2, 1.6]
        #expect(zip(gradient, expected).allSatisfy { abs($0 - $1) < 1e-5 })
    }
}
