import Foundation
import TestSupport
import Testing
import Torch

@testable import Transformers

/// The CUDA path of decoders, emulated on the processor. `DecoderGoldenTests` hold its numbers to transformers in the same run.
@Suite(
    "Decoders by the CUDA kernels",
    .enabled(
        if: ProcessInfo.processInfo.environment["DISTILL_CUDA_KERNELS"]?.contains("emulated") == true,
        "needs the emulated CUDA kernels (scripts/test.sh)"))
struct PackedDecoderTests {
    @Test(
        "layers like Llama's are one node, others are not",
        arguments: [
            ("llama", true), ("llama3", true), ("llama-yarn", true), ("mistral", true), ("qwen2", true),
            ("qwen2-windows", true), ("llama-biases", false), ("qwen3", false), ("gemma3", false),
            ("gpt2", false),
        ])
    func forms(_ name: String, _ isPacked: Bool) throws {
        let (model, _) = try AutoModel.load(from: DecoderGoldenTests.directory(name))
        let backbone = try #require(model.backbone as? DecoderBackbone)
        #expect((backbone.packed != nil) == isPacked)
    }

    @Test("weights that change between the forward and the backward pass are an error")
    func changedWeights() throws {
        let (model, _) = try AutoModel.load(from: DecoderGoldenTests.directory("llama"))
        let input = PackedInput(inputIDs: [1, 2, 3], offsets: [0, 3])
        let loss = try model(input).logits.sum()
        let optimizer = try AdamW(model.parameters, weightDecay: 0, sparseTables: [])
        try model(input).logits.sum().backward()
        try optimizer.step(learningRate: 0.1)
        _ = try model(input)
        #expect(throws: TorchError.self) { try loss.backward() }
    }

    private struct Fixture {
        let model: TransformerModel
        let embedding: Embedding
        let decoder: PackedDecoder

        init(_ name: String) throws {
            model = try AutoModel.load(from: DecoderGoldenTests.directory(name)).model
            let backbone = try #require(model.backbone as? DecoderBackbone)
            embedding = backbone.embedding
            decoder = try #require(backbone.packedDecoder(emulatesGraphs: true))
        }

        /// The hidden states of texts, and all gradients of their sum with a direction.
        func pass(_ lengths: [Int], _ isPlain: Bool) throws -> (states: [Float], gradients: [[Float]]) {
            let offsets = lengths.reduce(into: [0]) { $0.append($0.last! + $1) }
            let input = PackedInput(
                inputIDs: (0..<offsets.last!).map { Int32(3 + ($0 &* 7) % 40) }, offsets: offsets)
            let states: Tensor
            if isPlain {
                states = try #require(model.backbone as? DecoderBackbone).following(
                    input,
                    DecoderContext(
                        sequences: PackedSequences(offsets: offsets), dtype: .float32, dropout: nil))
            } else {
                states = try decoder(
                    embedding(Tensor(input.inputIDs)), PackedSequences(offsets: offsets), .float32)
            }
            let values: [Float] = try states.detached().array()
            guard states.requiresGrad else { return (values, []) }
            try (states * Tensor.normal(states.shape, standardDeviation: 1, seed: 5)).sum().backward()
            let gradients: [[Float]] = try model.parameters.entries.compactMap {
                try $0.tensor.gradient?.array()
            }
            for entry in model.parameters.entries { try entry.tensor.clearGradient() }
            return (values, gradients)
        }
    }

    @Test(
        "batches of a shape that was seen before give what each gives alone",
        arguments: ["llama", "qwen2-windows", "mistral"])
    func shapes(_ name: String) throws {
        let fixture = try Fixture(name)
        // Two shapes, each seen three times, with other lengths and numbers of fillers.
        for lengths in [[9, 20], [7, 30], [9, 21, 4], [1, 2], [5, 5, 5], [40, 24], [9, 20, 3]] {
            let (own, wanted) = (try fixture.pass(lengths, false), try fixture.pass(lengths, true))
            try near(own.states, wanted.states, "states of \(lengths)")
            #expect(own.gradients.count == wanted.gradients.count)
            for (index, (a, b)) in zip(own.gradients, wanted.gradients).enumerated() {
                try near(a, b, "gradient \(index) of \(lengths)")
            }
        }
    }

    @Test("gradients add up, a pass within a pass and frozen weights")
    func nested() throws {
        let fixture = try Fixture("llama")
        let sequences = try PackedSequences(offsets: [0, 3])
        func states() throws -> Tensor {
            try fixture.decoder(fixture.embedding(Tensor([1, 2, 3] as [Int32])), sequences, .float32)
        }
        let parameter = try #require(fixture.model.parameters.entries.last { $0.name.contains("q_proj") })
            .tensor
        try states().sum().backward()
        let once: [Float] = try #require(try parameter.gradient).array()
        // Captured now, but gradients are there already.
        try states().sum().backward()
        // Two passes before their backward passes: the second goes without.
        for entry in fixture.model.parameters.entries { try entry.tensor.clearGradient() }
        let (first, second) = (try states(), try states())
        try second.sum().backward()
        for entry in fixture.model.parameters.entries { try entry.tensor.clearGradient() }
        try first.sum().backward()
        try near(#require(try parameter.gradient).array(), once, "gradient")
        // Weights that a step has changed are read again.
        let before: [Float] = try withNoGrad { try states().array() }
        let optimizer = try AdamW(fixture.model.parameters, weightDecay: 0, sparseTables: [])
        try optimizer.step(learningRate: 0.1)
        try optimizer.clearGradients()
        let after: [Float] = try withNoGrad { try states().array() }
        #expect(before != after)
        let trained: [Float] = try states().detached().array()
        try near(trained, after, "states after a step")
        try fixture.model.parameters.freeze()
        let frozen: [Float] = try states().array()
        try near(frozen, after, "states of frozen weights")
    }

    private func near(_ a: [Float], _ b: [Float], _ what: String) throws {
        #expect(a.count == b.count)
        let scale = b.reduce(Float(1e-2)) { max($0, abs($1)) }
        let worst = zip(a, b).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
        #expect(worst <= 2e-5 * scale, "\(what): \(worst) of \(scale)")
    }
}
