import Testing

@testable import Torch

/// The layer by libtorch's operations, which CUDA devices run, against the kernels' layer: on the CPU, where both run.
@Suite("Packed encoder layer by libtorch's operations")
struct ComposedLayerTests {
    static let cases =
        PackedLayerTests.cases.filter { $0.dropout == 0 } + [
            PackedLayerTests.Case(
                hidden: 384, inner: 1536, heads: 12, lengths: [27, 40, 9], firstOnly: true),
            PackedLayerTests.Case(hidden: 36, inner: 41, heads: 3, lengths: [1, 4]),
        ]

    private func run(_ fixture: LayerFixture, _ dtype: DType, composed: Bool) throws -> Tensor {
        let sequences = try PackedSequences(offsets: fixture.offsets)
        let (layer, state) = (try fixture.layer(), DropoutState(seed: 3))
        let input = PackedHidden(fixture.input)
        let output =
            try composed
            ? layer.composed(input, sequences, dtype: dtype, firstOnly: fixture.test.firstOnly, state)
            : layer(input, sequences, dtype: dtype, firstOnly: fixture.test.firstOnly, state)
        let direction = try Tensor.normal(output.wide.shape, standardDeviation: 1, seed: 99)
        var loss = try (output.wide * direction).sum()
        // Both forms of the output carry gradients.
        if let typed = output.typed { loss = try loss + (typed.to(.float32) * direction * 0.5).sum() }
        if !composed, dtype == .bfloat16 { loss = try loss * 1.5 }
        try loss.backward()
        return output.wide
    }

    @Test("output and every gradient are the kernels'", arguments: cases)
    func agreement(_ test: PackedLayerTests.Case) throws {
        let (ours, reference) = (try LayerFixture(test), try LayerFixture(test))
        try expectNear(
            run(ours, .float32, composed: true), run(reference, .float32, composed: false), "output")
        let (gradient, wanted) = (try ours.input.gradient, try reference.input.gradient)
        try expectNear(#require(gradient), #require(wanted), "the input's gradient")
        for (place, name) in LayerFixture.names.enumerated() {
            // As in the kernels' own test: what cancels has the size of the key weight's.
            let floor = name == "key bias" ? try reference.gradient(place - 1).largest() : 1e-3
            try expectNear(ours.gradient(place), reference.gradient(place), name, floor: floor)
        }
    }

    // Without ReLU, whose slope jumps where rounding changes a sign.
    @Test(
        "bfloat16 points where the kernels' float32 does", arguments: cases.filter { $0.activation != .relu })
    func halfPrecision(_ test: PackedLayerTests.Case) throws {
        let (ours, reference) = (try LayerFixture(test), try LayerFixture(test))
        let (a, b) = (try run(ours, .bfloat16, composed: true), try run(reference, .float32, composed: false))
        #expect(try (a - b).largest() < 0.05 * b.largest() + 0.05)
        for (place, name) in LayerFixture.names.enumerated() where name != "key bias" {
            let wanted = try reference.gradient(place) * 1.5
            let size = try wanted.norm().item()
            guard size > 1e-3 else { continue }
            #expect(try (ours.gradient(place) - wanted).norm().item() < 0.05 * size, "\(name)")
        }
    }

    @Test("with dropout, gradients are the slopes of the loss", arguments: [false, true])
    func dropout(firstOnly: Bool) throws {
        let test = PackedLayerTests.Case(
            hidden: 32, inner: 48, heads: 4, lengths: [5, 9, 1], dropout: 0.2, firstOnly: firstOnly)
        let fixture = try LayerFixture(test)
        let output = try run(fixture, .float32, composed: true)
        let plain = try LayerFixture(
            PackedLayerTests.Case(hidden: 32, inner: 48, heads: 4, lengths: [5, 9, 1], firstOnly: firstOnly))
        #expect(try (output - run(plain, .float32, composed: true)).largest() > 0.1)

        let sequences = try PackedSequences(offsets: fixture.offsets)
        let direction = try Tensor.normal(output.shape, standardDeviation: 1, seed: 99)
        func loss() throws -> Double {
            try
                (fixture.layer().composed(
                    PackedHidden(fixture.input), sequences, dtype: .float32, firstOnly: firstOnly,
                    DropoutState(seed: 3)
                ).wide * direction).sum().item()
        }
        for (place, name) in LayerFixture.names.enumerated() {
            let parameter = fixture.parameters[place]
            let step = try Tensor.normal(parameter.shape, standardDeviation: 1, seed: 5)
            let predicted = try (fixture.gradient(place) * step).sum().item()
            let values = try parameter.detached().clone()
            try withNoGrad { try parameter.copy(from: values + step * 1e-3) }
            let above = try loss()
            try withNoGrad { try parameter.copy(from: values - step * 1e-3) }
            let below = try loss()
            try withNoGrad { try parameter.copy(from: values) }
            let slope = (above - below) / 2e-3
            #expect(abs(slope - predicted) < 0.02 * abs(predicted) + 0.05, "\(name)")
        }
    }

    @Test("weights that changed between the passes are told")
    func changedWeights() throws {
        let fixture = try LayerFixture(PackedLayerTests.Case())
        let (layer, sequences) = (try fixture.layer(), try PackedSequences(offsets: fixture.offsets))
        func forward() throws -> Tensor {
            try layer.composed(
                PackedHidden(fixture.input), sequences, dtype: .float32, firstOnly: false, nil
            ).wide
        }
        let first = try forward()
        try withNoGrad { try fixture.parameters[0].copy(from: fixture.parameters[0] * 2) }
        let second = try forward()
        #expect(try (first - second).largest() > 0)
        expectTorchError("weights have changed since the forward pass") { try first.sum().backward() }
        try second.sum().backward()
    }

    @Test("embeddings and every gradient are the kernels'", arguments: [false, true])
    func embeddings(withTypes: Bool) throws {
        func make() throws -> (embeddings: PackedEmbeddings, parameters: [Tensor]) {
            let scope = ParameterScope(store: ParameterStore(), source: nil, seed: 5)
            let normal = ParameterInitializer.normal(standardDeviation: 1)
            let word = try Embedding(
                scope["word"], count: 40, width: 24, paddingIndex: 0, initializer: normal)
            let position = try Embedding(scope["position"], count: 8, width: 24, initializer: normal)
            let type = try Embedding(scope["type"], count: 2, width: 24, initializer: normal)
            let norm = try LayerNorm(scope["norm"], width: 24, epsilon: 1e-12)
            return (
                try PackedEmbeddings(
                    word: word, position: position, tokenType: type, norm: norm, dropout: Dropout(0)),
                [word.weight, position.weight, type.weight, norm.weight, norm.bias]
            )
        }
        let ids: [Int32] = [1, 2, 3, 3, 2, 9, 0, 0, 39]
        let types: [Int32]? = withTypes ? ids.map { $0 % 2 } : nil
        let sequences = try PackedSequences(offsets: [0, 3, 9])
        let (ours, theirs) = (try make(), try make())
        let a = try ours.embeddings.composed(ids, types: types, sequences, dtype: .float32, nil)
        let b = try theirs.embeddings(ids, types: types, sequences, nil)
        try expectNear(a.wide, b.wide, "output")
        #expect(a.typed == nil)
        let half = try ours.embeddings.composed(ids, types: types, sequences, dtype: .bfloat16, nil)
        try expectNear(half.wide, b.wide, "output beside bfloat16")
        try expectNear(#require(half.typed).to(.float32), half.wide.to(.bfloat16).to(.float32), "in bfloat16")
        let direction = try Tensor.normal(a.wide.shape, standardDeviation: 1, seed: 9)
        try (a.wide * direction).sum().backward()
        try (b.wide * direction).sum().backward()
        for (own, reference) in zip(ours.parameters, theirs.parameters) {
            let (gradient, wanted) = (try own.gradient, try reference.gradient)
            try expectNear(#require(gradient), #require(wanted), "\(own.shape)")
        }
        expectTorchError("token 1 has 40, the table has 40 rows") {
            _ = try ours.embeddings.composed(
                [1, 40], types: nil, PackedSequences(offsets: [0, 2]), dtype: .float32, nil)
        }
    }
}
