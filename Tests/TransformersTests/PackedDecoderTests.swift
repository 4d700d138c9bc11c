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
            ("qwen2-windows", true), ("llama-biases", false), ("qwen3", false), ("gemma3", false), ("gpt2", false),
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
}
