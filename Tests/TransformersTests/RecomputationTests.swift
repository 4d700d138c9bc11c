import Foundation
import TestSupport
import Testing
import Torch

@testable import Transformers

/// Layers that are computed again in the backward pass, against those whose activations are kept.
@Suite("Recomputation")
struct RecomputationTests {
    private func input(_ vocabulary: Int, types: Bool) -> PackedInput {
        let ids = (0..<23).map { Int32(3 + ($0 * 7) % (vocabulary - 5)) }
        return PackedInput(
            inputIDs: ids, tokenTypeIDs: types ? ids.map { $0 % 2 } : nil, offsets: [0, 9, 10, 23])
    }

    /// Output, gradients and the random state behind a pass in training.
    private func pass(_ model: TransformerModel, recomputes: Bool, precision: Precision) throws -> (
        output: [UInt8], gradients: [String: [UInt8]], position: DropoutState.Position
    ) {
        try model.trained.clearGradients()
        let state = DropoutState(seed: 5)
        let types = model.configuration.typeVocabSize > 1
        let output = try model(
            input(model.configuration.vocabSize, types: types),
            ForwardOptions(precision: precision, dropout: state, recomputes: recomputes)
        ).logits
        let weights = try Tensor.normal(output.shape, seed: 9)
        try (output.to(.float32) * weights).sum().backward()
        var gradients: [String: [UInt8]] = [:]
        for entry in model.trained.entries {
            gradients[entry.name] = try entry.tensor.gradient?.bytes()
        }
        return (try output.detached().bytes(), gradients, state.position)
    }

    private func expectSame(_ model: TransformerModel, _ precision: Precision, _ name: String) throws {
        // libtorch's operations have other bits on another number of threads, which other tests set.
        let (kept, again) = try Runtime.withThreadCount(2) {
            (
                try pass(model, recomputes: false, precision: precision),
                try pass(model, recomputes: true, precision: precision)
            )
        }
        #expect(kept.output == again.output, "\(name)")
        #expect(kept.position == again.position, "\(name)")
        #expect(!kept.gradients.isEmpty && Set(kept.gradients.keys) == Set(again.gradients.keys), "\(name)")
        for (parameter, bytes) in kept.gradients {
            #expect(again.gradients[parameter] == bytes, "\(name): \(parameter)")
        }
    }

    /// Without GPT-2, whose gradients with dropout differ by rounding.
    static let directories =
        ["bert-tiny"] + ["llama", "gemma3", "qwen3-biases"].map { "decoders/" + $0 }
        + ["deberta-v2", "modernbert", "mpnet"].flatMap { family in
            ((try? FileManager.default.contentsOfDirectory(atPath: fixture("families").path)) ?? []).sorted()
                .filter { $0.hasPrefix(family) }.prefix(1).map { "families/" + $0 }
        }

    @Test(
        "gradients have the same bits, with dropout", arguments: directories, [Precision.float32, .bfloat16])
    func same(_ directory: String, _ precision: Precision) throws {
        try expectSame(AutoModel.load(from: fixture(directory)).model, precision, directory)
    }

    @Test(
        "so have those of adapters, beside a frozen embedding table",
        arguments: ["bert-tiny", "decoders/llama"], [0, 0.3])
    func adapters(_ directory: String, dropout: Double) throws {
        let hook = dropout > 0 ? LowRankDropout(probability: dropout) : nil
        let model = try AutoModel.load(from: fixture(directory), instrument: hook).model
        var options = LoRAOptions(rank: 2)
        options.dropout = dropout
        try model.adapt(options, seed: 3, dropout: hook)
        for layer in try #require(model.adapters).layers {
            try layer.b.copy(from: Tensor.normal(layer.b.shape, standardDeviation: 0.1, seed: 4))
        }
        try model.adapters?.merge()
        try expectSame(model, .float32, directory)
    }
}
