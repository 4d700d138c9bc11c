import Testing

@testable import Torch

/// The encoder whose kernels are started together, by the same code without captured graphs, on the CPU.
@Suite("Packed encoder started together")
struct PackedEncoderTests {
    /// Embeddings and two layers, and their parameters.
    private struct Fixture {
        let embeddings: PackedEmbeddings
        let layers: [PackedEncoderLayer]
        let parameters: [Tensor]

        init(dropout: Double, positionOffset: Int) throws {
            let scope = ParameterScope(store: ParameterStore(), source: nil, seed: 5)
            let normal = ParameterInitializer.normal(standardDeviation: 0.3)
            func linear(_ name: String, _ inputs: Int, _ outputs: Int) throws -> Linear {
                try Linear(scope[name], inputs: inputs, outputs: outputs, initializer: normal)
            }
            func norm(_ name: String) throws -> LayerNorm {
                try LayerNorm(scope[name], width: 32, epsilon: 1e-12)
            }
            let word = try Embedding(
                scope["word"], count: 40, width: 32, paddingIndex: 0, initializer: normal)
            let position = try Embedding(scope["position"], count: 80, width: 32, initializer: normal)
            let type = try Embedding(scope["type"], count: 2, width: 32, initializer: normal)
            let first = try norm("norm")
            embeddings = try PackedEmbeddings(
                word: word, position: position, positionOffset: positionOffset, tokenType: type, norm: first,
                dropout: Dropout(dropout))
            layers = try (0..<2).map { index in
                let made = PackedEncoderLayer(
                    query: try linear("q\(index)", 32, 32), key: try linear("k\(index)", 32, 32),
                    value: try linear("v\(index)", 32, 32), attentionOutput: try linear("o\(index)", 32, 32),
                    attentionNorm: try norm("n\(index)"), intermediate: try linear("i\(index)", 32, 48),
                    output: try linear("u\(index)", 48, 32), outputNorm: try norm("m\(index)"), heads: 4,
                    activation: .gelu, hiddenDropout: dropout, outputDropout: dropout, attentionDropout: 0)
                guard let made else { throw TorchError("the kernels refuse the layer") }
                return made
            }
            parameters =
                [word.weight, position.weight, type.weight, first.weight, first.bias]
                + layers.flatMap(\.parameters)
        }

        /// The layers one by one.
        func separate(_ batch: Batch, _ state: DropoutState?) throws -> Tensor {
            let sequences = try PackedSequences(offsets: batch.offsets)
            var hidden = try embeddings.composed(
                batch.ids, types: batch.types, sequences, dtype: .float32, state)
            for (index, layer) in layers.enumerated() {
                hidden = try layer.composed(
                    hidden, sequences, dtype: .float32, firstOnly: index == layers.count - 1, state)
            }
            return hidden.wide
        }
    }

    private struct Batch {
        let ids: [Int32]
        let types: [Int32]?
        let offsets: [Int]

        init(_ lengths: [Int], withTypes: Bool) {
            offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
            ids = (0..<offsets[lengths.count]).map { Int32(($0 &* 7 + 1) % 40) }
            types = withTypes ? ids.map { $0 % 2 } : nil
        }
    }

    @Test(
        "outputs and every gradient are those of the layers one by one, from the second batch of a shape on",
        arguments: [(false, 0.0, 0), (true, 0.0, 0), (false, 0.2, 0), (true, 0.2, 2)])
    func agreement(withTypes: Bool, dropout: Double, positionOffset: Int) throws {
        let (ours, reference) = (
            try Fixture(dropout: dropout, positionOffset: positionOffset),
            try Fixture(dropout: dropout, positionOffset: positionOffset)
        )
        let made = try PackedEncoder(embeddings: ours.embeddings, layers: ours.layers, emulated: true)
        let encoder = try #require(made)
        var found = 0
        for (round, lengths) in [[3, 9, 20], [3, 9, 20], [4, 9, 21], [64, 1, 70], [60, 5, 70]].enumerated() {
            let batch = Batch(lengths, withTypes: withTypes)
            let position = DropoutState.Position(seed: 3, offset: UInt64(100 * round))
            let state = DropoutState(position: position)
            let output = try encoder(
                batch.ids, types: batch.types, offsets: batch.offsets, dtype: .float32, state)
            guard let output else {
                #expect(state.position == position)
                // As a model does, which makes the weights that graphs read.
                _ = try ours.separate(batch, state)
                continue
            }
            found += 1
            let other = DropoutState(position: position)
            let wanted = try reference.separate(batch, other)
            #expect(state.position == other.position)
            try expectNear(output, wanted, "output")
            // A second pass before the backward pass is left to the layers.
            #expect(
                try encoder(batch.ids, types: batch.types, offsets: batch.offsets, dtype: .float32, nil)
                    == nil
            )
            let direction = try Tensor.normal(output.shape, standardDeviation: 1, seed: 9)
            try (output * direction).sum().backward()
            try (wanted * direction).sum().backward()
            for (place, (own, other)) in zip(ours.parameters, reference.parameters).enumerated() {
                let (gradient, wanted) = (try #require(try own.gradient), try #require(try other.gradient))
                // Of key biases, which change nothing, there is rounding alone.
                let isKeyBias = place >= 5 && (place - 5) % 16 == 3
                try expectNear(gradient, wanted, "parameter \(place)", floor: isKeyBias ? 1 : 1e-2)
            }
            // Gradients that are to be added to are left to the layers.
            #expect(
                try encoder(batch.ids, types: batch.types, offsets: batch.offsets, dtype: .float32, nil)
                    == nil
            )
            for parameter in ours.parameters + reference.parameters {
                try parameter.clearGradient()
                try withNoGrad { try parameter.copy(from: parameter * 1.01) }
            }
        }
        #expect(found == 2)
        // For inference the changed weights count.
        try withNoGrad {
            let batch = Batch([5, 6], withTypes: withTypes)
            for _ in 0..<3 {
                let output = try encoder(
                    batch.ids, types: batch.types, offsets: batch.offsets, dtype: .float32, nil)
                if let output { try expectNear(output, reference.separate(batch, nil), "inference") }
            }
        }
    }

    @Test("a forward pass whose backward pass never comes does not stop the next")
    func abandoned() throws {
        let fixture = try Fixture(dropout: 0, positionOffset: 0)
        let made = try PackedEncoder(embeddings: fixture.embeddings, layers: fixture.layers, emulated: true)
        let encoder = try #require(made)
        let batch = Batch([3, 4], withTypes: false)
        func run() throws -> Tensor? {
            try encoder(batch.ids, types: nil, offsets: batch.offsets, dtype: .float32, nil)
        }
        #expect(try run() == nil)
        _ = try fixture.separate(batch, nil)
        #expect(try run() == nil)
        do { #expect(try run() != nil) }
        #expect(try run() != nil)
        expectTorchError("token 0 has 40, the table has 40 rows") {
            _ = try encoder([40], types: nil, offsets: [0, 1], dtype: .float32, nil)
        }
    }
}
