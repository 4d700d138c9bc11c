import Testing

@testable import Torch

/// The kernels against the same layer composed of libtorch's operations, with the same dropout masks.
@Suite("Packed encoder layer")
struct PackedLayerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var hidden = 48
        var inner = 80
        var heads = 4
        var lengths = [5, 17, 1, 33]
        var activation = Activation.gelu
        var dropout = 0.0
        var firstOnly = false
        var testDescription: String {
            "\(hidden)/\(inner)/\(heads) \(lengths) \(activation) \(dropout)\(firstOnly ? " first only" : "")"
        }
    }

    static let cases: [Case] = [
        Case(), Case(firstOnly: true), Case(dropout: 0.2), Case(dropout: 0.2, firstOnly: true),
        Case(hidden: 128, inner: 512, heads: 2, lengths: [70, 3, 129, 16, 15]),
        Case(hidden: 128, inner: 300, heads: 2, lengths: [70, 3, 129, 16, 15], dropout: 0.1),
        Case(hidden: 36, inner: 41, heads: 3, lengths: [1], dropout: 0.5),
        Case(hidden: 36, inner: 41, heads: 3, lengths: [2, 2], activation: .geluNew, dropout: 0.1),
        Case(activation: .relu), Case(activation: .silu), Case(activation: .geluTanh, dropout: 0.1),
        Case(hidden: 384, inner: 1536, heads: 12, lengths: [27, 40, 9], dropout: 0.1, firstOnly: true),
        Case(hidden: 64, inner: 96, heads: 4, lengths: [Int](repeating: 7, count: 120), dropout: 0.1),
    ]

    @Test("output and every gradient are those of the plain composition, masks included", arguments: cases)
    func agreement(_ test: Case) throws {
        let plain = try LayerFixture(test)
        let packed = try LayerFixture(test)
        let position = DropoutState.Position(seed: 11, offset: 5)
        let expected = try plain.composed(position)
        let state = DropoutState(position: position)
        let output = try packed.layer()(
            packed.input, PackedSequences(offsets: packed.offsets), dtype: .float32,
            firstOnly: test.firstOnly,
            state)
        #expect(output.shape == expected.shape)
        #expect(state.position.offset == position.offset + 3)
        try expectNear(output, expected, "output")
        let direction = try Tensor.normal(output.shape, standardDeviation: 1, seed: 99)
        try (output * direction).sum().backward()
        try (expected * direction).sum().backward()
        let (ours, reference) = (try packed.input.gradient, try plain.input.gradient)
        try expectNear(#require(ours), #require(reference), "the input's gradient")
        for (place, name) in LayerFixture.names.enumerated() {
            let (ours, reference) = (try packed.gradient(place), try plain.gradient(place))
            // The key bias changes no attention: its gradient is zero; the operations' has the rounding of what cancels, which
            // has the size of the key weight's.
            if name == "key bias" { #expect(try ours.largest() == 0) }
            let floor = name == "key bias" ? try plain.gradient(place - 1).largest() : 1e-3
            try expectNear(ours, reference, name, floor: floor)
        }
    }

    @Test("bfloat16 points where float32 does", arguments: cases)
    func halfPrecision(_ test: Case) throws {
        let exact = try LayerFixture(test)
        let rounded = try LayerFixture(test)
        func run(_ fixture: LayerFixture, _ dtype: DType) throws -> Tensor {
            let output = try fixture.layer()(
                fixture.input, PackedSequences(offsets: fixture.offsets), dtype: dtype,
                firstOnly: test.firstOnly, DropoutState(seed: 3))
            let direction = try Tensor.normal(output.shape, standardDeviation: 1, seed: 99)
            try (output * direction).sum().backward()
            return output
        }
        let (a, b) = (try run(exact, .float32), try run(rounded, .bfloat16))
        #expect(try (a - b).largest() < 0.05 * a.largest() + 0.05)
        for (place, name) in LayerFixture.names.enumerated() where name != "key bias" {
            let (ours, reference) = (try rounded.gradient(place), try exact.gradient(place))
            let size = try reference.norm().item()
            guard size > 1e-3 else { continue }
            #expect(try (ours - reference).norm().item() < 0.05 * size, "\(name)")
        }
    }

    @Test("an example's rows do not depend on the examples beside it, nor on the number of threads")
    func independence() throws {
        for dtype in [DType.float32, .bfloat16] {
            let fixture = try LayerFixture(
                Case(hidden: 64, inner: 256, heads: 4, lengths: [3, 20, 41, 9, 130]))
            let layer = try fixture.layer()
            func rows(_ range: Range<Int>, _ offsets: [Int], firstOnly: Bool = false) throws -> [Float] {
                try withNoGrad {
                    try layer(
                        fixture.input[range].contiguous(), PackedSequences(offsets: offsets), dtype: dtype,
                        firstOnly: firstOnly, nil
                    ).array()
                }
            }
            let together = try rows(0..<203, fixture.offsets)
            for index in 0..<5 {
                let range = fixture.offsets[index]..<fixture.offsets[index + 1]
                let alone = try rows(range, [0, range.count])
                #expect(alone == Array(together[range.lowerBound * 64..<range.upperBound * 64]))
                #expect(try rows(range, [0, range.count], firstOnly: true) == Array(alone[..<64]))
            }
            let onOne = try Runtime.withThreadCount(1) { try rows(0..<203, fixture.offsets) }
            #expect(onOne == together)
        }
    }

    @Test("training gives the same bits on one thread as on all")
    func threads() throws {
        func run(_ count: Int) throws -> [[Float]] {
            try Runtime.withThreadCount(count) {
                let fixture = try LayerFixture(
                    Case(hidden: 64, inner: 256, heads: 4, lengths: [3, 20, 41, 9, 130]))
                let output = try fixture.layer()(
                    fixture.input, PackedSequences(offsets: fixture.offsets), dtype: .bfloat16,
                    firstOnly: false, DropoutState(seed: 3))
                try output.square().sum().backward()
                return try [output.array()]
                    + fixture.parameters.indices.map { try fixture.gradient($0).array() }
            }
        }
        #expect(try run(1) == run(2))
        #expect(try run(1) == run(3))
    }

    @Test("weights packed for inference are packed again when a parameter changes")
    func packedWeights() throws {
        let fixture = try LayerFixture(Case())
        let layer = try fixture.layer()
        func output() throws -> [Float] {
            try withNoGrad {
                try layer(
                    fixture.input, PackedSequences(offsets: fixture.offsets), dtype: .float32,
                    firstOnly: false,
                    nil
                ).array()
            }
        }
        let before = try output()
        #expect(try output() == before)
        try fixture.parameters[10].fill(0.25)
        let after = try output()
        #expect(after != before)
        #expect(try withNoGrad { try fixture.composed(nil).array() as [Float] }.count == after.count)
        try expectNear(Tensor(after), fixture.composed(nil).reshaped([after.count]), "after a change")
    }

    @Test(
        "a number that is none reaches the output, wherever it comes from", arguments: [0, 2, 4, 6, 10, 12])
    func notANumber(parameter: Int) throws {
        for activation in [Activation.gelu, .geluTanh, .relu, .silu] {
            for dtype in [DType.float32, .bfloat16] {
                let fixture = try LayerFixture(Case(lengths: [5, 17], activation: activation))
                try fixture.parameters[parameter][0][0].fill(.nan)
                let output: [Float] = try withNoGrad {
                    try fixture.layer()(
                        fixture.input, PackedSequences(offsets: fixture.offsets), dtype: dtype,
                        firstOnly: false,
                        nil
                    ).array()
                }
                let allAreNaN = output.allSatisfy { $0.isNaN }
                #expect(allAreNaN, "\(activation) \(dtype)")
            }
        }
    }

    @Test("a graph is gone through once")
    func twice() throws {
        let fixture = try LayerFixture(Case())
        let output = try fixture.layer()(
            fixture.input, PackedSequences(offsets: fixture.offsets), dtype: .float32, firstOnly: false, nil)
        try (output * 1).sum().backward()
        #expect(throws: TorchError.self) { try output.sum().backward() }
    }

    @Test("what does not fit is refused by name")
    func refusals() throws {
        let fixture = try LayerFixture(Case())
        let layer = try fixture.layer()
        func message(_ x: Tensor, _ offsets: [Int]) -> String {
            do {
                _ = try layer(x, PackedSequences(offsets: offsets), dtype: .float32, firstOnly: false, nil)
                return "nothing"
            } catch { return "\(error)" }
        }
        #expect(message(fixture.input, [0, 5, 56]).isEmpty == false)
        #expect(message(fixture.input, [0, 5, 55]).contains("lead from 0 to 56"))
        #expect(message(fixture.input, [0, 5, 5, 56]).contains("example 1 has no token"))
        #expect(try message(Tensor.zeros([56, 47]), fixture.offsets).contains("the input must be float32"))
        #expect(try message(Tensor.zeros([56, 48], dtype: .bfloat16), fixture.offsets).contains("float32"))
    }
}

/// Compares two tensors by their difference relative to the reference's largest element, or to `floor`.
func expectNear(
    _ ours: Tensor, _ reference: Tensor, _ name: String, floor: Double = 1e-3,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    try #require(ours.shape == reference.shape, "\(name)", sourceLocation: sourceLocation)
    let difference = try (ours - reference).largest()
    let size = try max(reference.largest(), floor)
    #expect(difference <= 2e-5 * size, "\(name): \(difference) of \(size)", sourceLocation: sourceLocation)
}

extension Tensor {
    /// The largest absolute value.
    func largest() throws -> Double { try absolute().max().item() }
}
