import Foundation
import Safetensors
import TestSupport
import Testing
import Torch
import Transformers

@testable import DistillRuntime
@testable import Distillation
@testable import Quantization

/// Quantized models whose attention depends on the places of tokens, in the runtime without libtorch.
@Suite("Quantized families")
struct QuantizedFamilyTests {
    private static let fixtures = Support.fixtures.appending(
        path: "../../TransformersTests/Fixtures/families"
    ).standardizedFileURL

    /// Texts of 3 to 14 tokens.
    private static func texts(_ count: Int, seed: UInt64) -> PackedInput {
        var generator = SeededGenerator(seed: seed)
        var (ids, offsets) = ([Int32](), [0])
        for _ in 0..<count {
            for _ in 0..<Int.random(in: 3...14, using: &generator) {
                ids.append(Int32.random(in: 3..<60, using: &generator))
            }
            offsets.append(ids.count)
        }
        return PackedInput(inputIDs: ids, offsets: offsets)
    }

    @Test(
        "the runtime's logits are libtorch's",
        arguments: ["mpnet", "deberta-v2", "deberta-v3", "modernbert", "modernbert-mean"],
        [QuantizationConfiguration.Activations.perToken, .fixed])
    func runtime(_ name: String, _ activations: QuantizationConfiguration.Activations) throws {
        let model = try AutoModel.load(from: Self.fixtures.appending(path: name)).model
        var method = QuantizationMethod()
        (method.smallestMatrix, method.activations) = (0, activations)
        let quantizer = try Quantizer(
            model, method: method, sample: (0..<4).map { Self.texts(8, seed: $0) })
        let int8 = try quantizer.model(Set(quantizer.layers.map(\.name)).subtracting(["classifier"]))
        try withTemporaryDirectory { directory in
            try ModelWriter.save(int8, to: directory)
            let loaded = try AutoModel.load(from: directory).model
            let input = Self.texts(60, seed: 9)
            let expected: [Float] = try withNoGrad { try loaded(input).logits.array() }
            let encoder = try Encoder(
                SafetensorsCheckpoint(directory: directory), path: directory.path,
                ModelConfiguration(contentsOf: directory), usesBFloat16: false)
            let rows = try encoder.logits(
                PackedTexts(ids: input.inputIDs, types: nil, offsets: input.offsets.map(Int64.init)))
            try #require(rows.count == expected.count)
            let spread = (expected.max() ?? 0) - (expected.min() ?? 0)
            let differences = expected.indices.map { abs(rows.pointer[$0] - expected[$0]) / spread }.sorted()
            // Where rounding before an int8 layer moves an input across the border of two steps, the result moves by that step; most
            // texts have none such, where both sides have the same steps.
            let areAlike = PackedMixedLayer.activationLevels == Int8Weight.activationLevels
            #expect(
                differences[differences.count / 2] < (areAlike ? 1e-4 : 0.01),
                "\(differences[differences.count / 2])")
            // With half of the steps on one side, as without VNNI, every text moves: there the middle one alone is held.
            if areAlike { #expect(differences.last! < 0.05, "\(differences.last!)") }
        }
    }
}
