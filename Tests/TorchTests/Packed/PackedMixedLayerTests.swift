import Testing

@testable import Torch

/// The layer for inference against the same layer composed of plain operations on the rounded numbers.
@Suite struct PackedMixedLayerTests {
    /// Sizes that fill no panel, and lengths that fill no block.
    struct Case: Sendable, CustomTestStringConvertible {
        var (hidden, inner, heads): (Int, Int, Int)
        var lengths: [Int]
        var firstOnly: Bool
        /// Which of the six weights are int8.
        var int8: Set<Int>
        var testDescription: String {
            "\(hidden)×\(inner), \(lengths), first only \(firstOnly), int8 \(int8.sorted())"
        }
    }

    static let cases = [
        Case(
            hidden: 64, inner: 128, heads: 4, lengths: [5, 1, 17], firstOnly: false, int8: [0, 1, 2, 3, 4, 5]),
        Case(
            hidden: 36, inner: 50, heads: 3, lengths: [9, 30, 2], firstOnly: false, int8: [0, 1, 2, 3, 4, 5]),
        Case(
            hidden: 36, inner: 50, heads: 3, lengths: [9, 30, 2], firstOnly: true, int8: [0, 1, 2, 3, 4, 5]),
        Case(hidden: 64, inner: 96, heads: 2, lengths: [1], firstOnly: true, int8: [0, 1, 2, 3, 4, 5]),
        Case(hidden: 64, inner: 96, heads: 2, lengths: [120, 77, 64], firstOnly: false, int8: [1, 4]),
        Case(hidden: 64, inner: 96, heads: 2, lengths: [12, 7], firstOnly: true, int8: [0, 3, 5]),
    ]

    @Test(arguments: cases, [true, false])
    func agreesWithPlainOperations(test: Case, isFixed: Bool) throws {
        let fixture = try Fixture(test, isFixed: isFixed)
        guard PackedMixedLayer.isPreferred else { return }
        let layer = try #require(try fixture.layer())
        let sequences = try PackedSequences(offsets: fixture.offsets)
        let actual = try layer(fixture.input, sequences, firstOnly: test.firstOnly)
        let expected = try fixture.composed()
        #expect(actual.shape == expected.shape)
        // A value that lies between two steps may fall to either side, where sums are taken in another order: one step of one
        // input, after normalization.
        #expect(try (actual - expected).absolute().max().item() < 0.06)
        #expect(try (actual - expected).absolute().mean().item() < 0.003)
    }

    @Test func anExampleDoesNotDependOnTheOthers() throws {
        guard PackedMixedLayer.isPreferred else { return }
        let test = Case(
            hidden: 64, inner: 128, heads: 4, lengths: [40, 3, 61], firstOnly: false,
            int8: [0, 1, 2, 3, 4, 5])
        let fixture = try Fixture(test, isFixed: false)
        let layer = try #require(try fixture.layer())
        let all = try layer(fixture.input, PackedSequences(offsets: fixture.offsets), firstOnly: false)
        for (index, length) in test.lengths.enumerated() {
            let start = fixture.offsets[index]
            let alone = try layer(
                fixture.input[start..<start + length].contiguous(), PackedSequences(offsets: [0, length]),
                firstOnly: false)
            #expect(
                try alone.array(of: Float.self)
                    == all[start..<start + length].contiguous().array(of: Float.self))
        }
    }

    @Test func aNumberThatIsNoneStaysSo() throws {
        guard PackedMixedLayer.isPreferred else { return }
        let test = Case(
            hidden: 64, inner: 128, heads: 4, lengths: [4], firstOnly: false, int8: [0, 1, 2, 3, 4, 5])
        let fixture = try Fixture(test, isFixed: false)
        let layer = try #require(try fixture.layer())
        var values: [Float] = try fixture.input.array()
        values[70] = .nan
        let output: [Float] = try layer(
            Tensor(values, shape: [4, 64]), PackedSequences(offsets: [0, 4]), firstOnly: false
        ).array()
        #expect(output[64..<128].contains { $0.isNaN })
    }

    @Test func oneScaleForABatchIsLeftToLibtorch() throws {
        let test = Case(
            hidden: 64, inner: 128, heads: 4, lengths: [4], firstOnly: false, int8: [0, 1, 2, 3, 4, 5])
        #expect(try Fixture(test, isFixed: false, input: .perTensor).layer() == nil)
    }

    @Test func shapesThatDoNotFitAreRefused() throws {
        let test = Case(
            hidden: 64, inner: 128, heads: 4, lengths: [4], firstOnly: false, int8: [0, 1, 2, 3, 4, 5])
        let layer = try #require(try Fixture(test, isFixed: false).layer())
        let x = try Tensor.normal([4, 64], seed: 1)
        for (input, offsets) in [
            (x, [0, 5]), (x, [0, 2, 2, 4]), (try Tensor.normal([4, 63], seed: 1), [0, 4]),
        ] {
            #expect(throws: TorchError.self) {
                try layer(input, PackedSequences(offsets: offsets), firstOnly: false)
            }
        }
    }
}

extension PackedMixedLayerTests {
    /// A layer's parameters and input.
    struct Fixture {
        let test: Case
        let linears: [Linear]
        let norms: [LayerNorm]
        let input: Tensor
        let offsets: [Int]

        init(_ test: Case, isFixed: Bool, input kind: ActivationQuantization = .perToken) throws {
            self.test = test
            let (h, i) = (test.hidden, test.inner)
            let shapes = [[h, h], [h, h], [h, h], [h, h], [i, h], [h, i]]
            // Ranges that hold what goes into each: the norms' outputs, the context, what the activation gives.
            let kinds: [ActivationQuantization] = [0.04, 0.04, 0.04, 0.03, 0.04, 0.03].map {
                isFixed ? .fixed(scale: $0, zeroPoint: 3) : kind
            }
            linears = try shapes.enumerated().map { place, shape in
                let weight = try Tensor.normal(
                    shape, standardDeviation: 1.2 / Double(shape[1]).squareRoot(), seed: UInt64(place + 1))
                let bias = try Tensor.normal(
                    [shape[0]], standardDeviation: 0.2, seed: UInt64(place + 20))
                guard test.int8.contains(place) else { return Linear(weight: weight, bias: bias) }
                return Linear(
                    int8: QuantizedParameter(
                        weight: try Int8Weight(quantizing: weight), input: kinds[place]), bias: bias)
            }
            norms = try [40, 50].map { seed in
                LayerNorm(
                    weight: try Tensor.normal([h], standardDeviation: 0.2, seed: seed) + 1,
                    bias: try Tensor.normal([h], standardDeviation: 0.2, seed: seed + 1), epsilon: 1e-12)
            }
            offsets = test.lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
            input = try Tensor.normal([offsets[offsets.count - 1], h], seed: 77)
        }

        func layer() throws -> PackedMixedLayer? {
            try PackedMixedLayer(
                query: linears[0], key: linears[1], value: linears[2], attentionOutput: linears[3],
                attentionNorm: norms[0], intermediate: linears[4], output: linears[5], outputNorm: norms[1],
                heads: test.heads, activation: .gelu)
        }

        /// A linear layer by float operations on the rounded numbers.
        func apply(_ place: Int, _ x: Tensor) throws -> Tensor {
            let linear = linears[place]
            guard let int8 = linear.int8 else { return try linear(x) }
            return try rounded(x, int8.input).linear(int8.weight.dequantized(), bias: linear.bias)
        }

        /// What the kernels multiply with.
        private func rounded(_ x: Tensor, _ input: ActivationQuantization) throws -> Tensor {
            let levels = PackedMixedLayer.activationLevels
            guard case .fixed(let scale, let zeroPoint) = input else {
                return try x.fakeQuantized(byRow: true, levels: levels)
            }
            let factor = 128 / (levels + 1)
            let (step, zero) = (scale * Float(factor), Float((Int(zeroPoint) + 128) / factor))
            let values: [Float] = try x.contiguous().array()
            return try Tensor(
                values.map {
                    (max(0, min(Float(2 * levels + 1), ($0 / step).rounded(.toNearestOrEven) + zero))
                        - zero) * step
                },
                shape: x.shape)
        }

        func composed() throws -> Tensor {
            let width = test.hidden / test.heads
            var outputs: [Tensor] = []
            for (index, length) in test.lengths.enumerated() {
                let x = try input[offsets[index]..<offsets[index] + length]
                func heads(_ y: Tensor) throws -> Tensor {
                    try y.reshaped([length, test.heads, width]).transposed(0, 1).unsqueezed(0)
                }
                let context = try Tensor.attention(
                    query: heads(apply(0, x)), key: heads(apply(1, x)), value: heads(apply(2, x)), mask: nil
                ).reshaped([test.heads, length, width]).transposed(0, 1).reshaped([length, test.hidden])
                let attended = try norms[0](apply(3, context) + x)
                let whole = try norms[1](apply(5, apply(4, attended).gelu()) + attended)
                outputs.append(test.firstOnly ? try whole[0..<1] : whole)
            }
            return try Tensor.concatenated(outputs, dimension: 0)
        }
    }
}
