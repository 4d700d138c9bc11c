import Foundation
import TestSupport
import Testing
import Torch

@testable import Transformers

/// A decoder's layer as one operation, against the same layer by libtorch's linear layers, part by part, which a hook that changes nothing
/// asks for. `DecoderGoldenTests` hold the same operation to transformers.
@Suite(
    "A decoder's layer is one operation",
    .enabled(
        if: PackedKernels.arePreferred(for: .float32, on: .cpu)
            && PackedKernels.arePreferred(for: .bfloat16, on: .cpu), "the kernels are off"))
struct DecoderLayerKernelTests {
    private final class Observer: LayerHook {
        func input(_ x: Tensor, of layer: String) throws -> Tensor { x }
        func weight(_ weight: Tensor, of layer: String) throws -> Tensor { weight }
    }

    static let names = DecoderGoldenTests.names.filter { !$0.hasPrefix("gpt2") }
    /// Texts of one token, within a vector's width and beyond it; in all more than a block of rows.
    static let offsets = [0, 1, 38, 39, 78, 95, 135]

    private static func model(_ name: String, isWhole: Bool) throws -> TransformerModel {
        try AutoModel.load(
            from: DecoderGoldenTests.directory(name), instrument: isWhole ? nil : Observer()
        ).model
    }

    /// The logits, the loss and every gradient of texts whose tokens all have a target.
    private func pass(_ model: TransformerModel, _ precision: Precision) throws -> [(String, Tensor)] {
        let count = try #require(Self.offsets.last)
        let input = PackedInput(
            inputIDs: (0..<count).map { Int32(3 + ($0 &* 17) % 57) }, offsets: Self.offsets)
        let logits = try model(input, ForwardOptions(precision: precision)).logits.to(.float32)
        let loss = try logits.crossEntropy(Tensor((0..<count).map { Int64(3 + ($0 &* 23) % 57) }))
        try loss.backward()
        let gradients = try model.parameters.entries.compactMap { entry in
            try entry.tensor.gradient.map { (entry.name, $0) }
        }
        return [("logits", try logits.detached()), ("loss", try loss.detached())] + gradients
    }

    @Test("logits, loss and every gradient are those of the parts", arguments: names)
    func parts(_ name: String) throws {
        let ours = try pass(Self.model(name, isWhole: true), .float32)
        let theirs = try pass(Self.model(name, isWhole: false), .float32)
        #expect(ours.map(\.0) == theirs.map(\.0))
        let largest = try theirs.dropFirst(2).map { try $0.1.absolute().max().item() }.max() ?? 0
        for ((what, own), (_, expected)) in zip(ours, theirs) {
            // A key's bias that is not rotated away cancels to rounding.
            if try expected.absolute().max().item() < 1e-5 * largest { continue }
            try expectClose(own, expected, within: 2e-5, "\(name), \(what)")
        }
    }

    @Test("in bfloat16 they point where float32 does, no less than the parts do", arguments: names)
    func halfPrecision(_ name: String) throws {
        let exact = try pass(Self.model(name, isWhole: false), .float32)
        func error(_ isWhole: Bool) throws -> Double {
            let values = try pass(Self.model(name, isWhole: isWhole), .bfloat16)
            var (sum, size) = (0.0, 0.0)
            for ((_, own), (_, expected)) in zip(values, exact).dropFirst(2) {
                let (a, b) = (try (own - expected).norm().item(), try expected.norm().item())
                (sum, size) = (sum + a * a, size + b * b)
            }
            return (sum / size).squareRoot()
        }
        let (own, parts) = (try error(true), try error(false))
        #expect(own < 0.05 && own < 1.25 * parts, "\(name): \(own) of the gradients, the parts \(parts)")
    }

    @Test("layers that are frozen have no gradient, and the others the same bits")
    func frozen() throws {
        let (whole, partly) = (
            try Self.model("qwen3-biases", isWhole: true), try Self.model("qwen3-biases", isWhole: true)
        )
        let names = ["layers.0.self_attn.k_proj", "layers.1.mlp.up_proj.weight", "layers.1.self_attn.q_norm"]
        for entry in partly.parameters.entries where names.contains(where: entry.name.contains) {
            try entry.tensor.setRequiresGrad(false)
        }
        let (all, some) = (try pass(whole, .float32), try pass(partly, .float32))
        let kept = all.filter { own in !names.contains(where: own.0.contains) }
        #expect(some.map(\.0) == kept.map(\.0) && some.count < all.count)
        for ((what, own), (_, expected)) in zip(some, kept) {
            #expect(try own.bytes() == expected.bytes(), "\(what)")
        }
    }

    @Test("any number of threads gives the same bits", arguments: [Precision.float32, .bfloat16])
    func threads(_ precision: Precision) throws {
        let bits: [[[UInt8]]] = try [1, 2, 3].map { threads in
            try Runtime.withThreadCount(threads) {
                try ["llama", "gemma3"].flatMap { name in
                    try pass(Self.model(name, isWhole: true), precision).map { try $0.1.bytes() }
                }
            }
        }
        #expect(bits[0] == bits[1] && bits[0] == bits[2])
    }

    @Test("a second backward pass and caches where gradients are recorded are errors")
    func refusals() throws {
        let model = try Self.model("llama", isWhole: true)
        let input = PackedInput(inputIDs: [3, 4, 5], offsets: [0, 3])
        let loss = try model(input).logits.sum()
        try loss.backward()
        #expect(throws: TorchError.self) { try loss.backward() }
        let backbone = try #require(model.backbone as? DecoderBackbone)
        let cache = try model.makeCache()
        let context = DecoderContext(
            sequences: try PackedSequences(offsets: [0, 3], device: .cpu, firstPlaces: [0]), dtype: .float32,
            dropout: nil, caches: [cache])
        let error = #expect(throws: TorchError.self) {
            _ = try backbone.layers[0](Tensor.zeros([3, 24]), context)
        }
        #expect(error?.description.contains("have no gradient") == true)
    }
}
