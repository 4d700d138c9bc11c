import Files
import Foundation
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Transformers

/// Adapters of the tiny models, which `scripts/fixtures/lora.py` writes with what PEFT computes.
@Suite("Low-rank adapters agree with PEFT")
struct LowRankAdapterTests {
    /// A case of the fixtures: the base model and the options of its adapters.
    struct Case: CustomTestStringConvertible, Sendable {
        let name: String
        let base: String
        let options: LoRAOptions
        var testDescription: String { name }

        init(
            _ name: String, _ base: String, rank: Int, alpha: Double, targets: [String], rslora: Bool = false
        ) {
            (self.name, self.base) = (name, base)
            var options = LoRAOptions(rank: rank, alpha: alpha)
            (options.targets, options.useRslora) = (targets, rslora)
            self.options = options
        }

        func model() throws -> TransformerModel { try AutoModel.load(from: fixture(base)).model }
    }

    static let cases = [
        Case("llama", "decoders/llama", rank: 4, alpha: 6, targets: ["q_proj", "v_proj"]),
        Case("qwen3", "decoders/qwen3-biases", rank: 3, alpha: 5, targets: ["all-linear"], rslora: true),
        Case("gpt2", "decoders/gpt2", rank: 2, alpha: 4, targets: ["c_attn", "c_fc", "mlp.c_proj"]),
        Case("bert", "bert-tiny", rank: 4, alpha: 8, targets: ["query", "value", "intermediate.dense"]),
    ]

    static func tensors(_ name: String, _ file: String) throws -> [String: Tensor] {
        let checkpoint = try SafetensorsCheckpoint(file: fixture("lora/\(name)/\(file).safetensors"))
        var all: [String: Tensor] = [:]
        for name in checkpoint.names {
            let info = try #require(checkpoint.info(name))
            all[name] = try Tensor(bytes: checkpoint.bytes(of: name), shape: info.shape, dtype: .float32)
        }
        return all
    }

    /// Gives a model the adapters that PEFT saved.
    static func adapted(_ one: Case, _ model: TransformerModel, dropout: LowRankDropout? = nil) throws {
        try model.adapt(one.options, seed: 1, dropout: dropout)
        let saved = try tensors(one.name, "adapter_model")
        #expect(Set(saved.keys) == Set(model.trained.names.map { "base_model.model." + $0 }))
        try model.restore(
            Dictionary(
                uniqueKeysWithValues: saved.map { (String($0.dropFirst("base_model.model.".count)), $1) }))
    }

    /// The logits of the fixture's texts.
    static func logits(_ one: Case, _ model: TransformerModel, _ dropout: DropoutState? = nil) throws
        -> Tensor
    {
        let options = ForwardOptions(dropout: dropout)
        guard one.base.hasPrefix("decoders") else {
            // The last example's padding is on the left.
            let all = try Golden(one.base).input
            func first(_ x: Tensor) throws -> Tensor { try x.narrowed(dimension: 0, start: 0, length: 3) }
            let input = ModelInput(
                inputIDs: try first(all.inputIDs), attentionMask: try first(all.attentionMask),
                tokenTypeIDs: try all.tokenTypeIDs.map(first))
            let packed = try input.packed()
            return try model(#require(packed), options).logits
        }
        let input = try DecoderGoldenTests.Numbers(String(one.base.dropFirst("decoders/".count))).input
        return try model(input, options).logits
    }

    @Test("logits, gradients and three steps", arguments: cases)
    func golden(_ one: Case) throws {
        let model = try one.model()
        try Self.adapted(one, model)
        let golden = try Self.tensors(one.name, "golden")
        let coefficients = try #require(golden["coefficients"])
        let optimizer = try AdamW(model.trained, weightDecay: 0)
        for step in 0..<3 {
            try optimizer.clearGradients()
            let logits = try Self.logits(one, model)
            if step == 0 { #expect(try relativeError(logits.detached(), #require(golden["logits"])) < 2e-5) }
            try (logits * coefficients).sum().backward()
            if step == 0 {
                for entry in model.trained.entries {
                    let wanted = try #require(golden["grad.\(entry.name)"], "\(entry.name)")
                    let own = try #require(try entry.tensor.gradient, "\(entry.name)")
                    #expect(try relativeError(own, wanted) < 1e-4, "\(entry.name)")
                }
            }
            #expect(
                !model.parameters.entries.contains { model.trained[$0.name] == nil && $0.tensor.hasGradient })
            try optimizer.step(learningRate: 0.01)
            try model.adapters?.merge()
        }
        for entry in model.trained.entries {
            let wanted = try #require(golden["trained.\(entry.name)"])
            #expect(try relativeError(entry.tensor.detached(), wanted) < 2e-3, "\(entry.name)")
        }
    }

    @Test("PEFT's files are read as the model that it computes", arguments: cases)
    func read(_ one: Case) throws {
        let reader = try AdapterReader(fixture("lora/\(one.name)"))
        let model = try reader.model(base: #require(reader.localBase))
        let logits = try withNoGrad { try Self.logits(one, model) }
        #expect(try relativeError(logits, #require(Self.tensors(one.name, "golden")["logits"])) < 2e-5)
    }

    @Test("fresh adapters change no bit, and A is within its bound", arguments: cases)
    func fresh(_ one: Case) throws {
        let model = try one.model()
        let before: [Float] = try withNoGrad { try Self.logits(one, model).array() }
        try model.adapt(one.options, seed: 3)
        try model.adapters?.merge()
        #expect(try withNoGrad { try Self.logits(one, model).array() } == before)
        for layer in try #require(model.adapters).layers {
            let a: [Double] = try layer.a.detached().array()
            let bound = 1 / Double(try layer.a.size(1)).squareRoot()
            let largest = a.map(abs).max() ?? 0
            #expect(largest <= bound && largest > bound / 2)
        }
    }

    @Test("dropout of nothing gives the same, and of something another output in training alone")
    func dropout() throws {
        let one = Self.cases[1]
        let plain = try one.model()
        try Self.adapted(one, plain)
        let wanted: Tensor = try withNoGrad { try Self.logits(one, plain) }
        var dropping = one.options
        dropping.dropout = 0.5
        let hook = LowRankDropout(probability: 0.5)
        let model = try AutoModel.load(from: fixture(one.base), instrument: hook).model
        try model.adapt(dropping, seed: 1, dropout: hook)
        try model.restore(plain.snapshot())
        #expect(try relativeError(withNoGrad { try Self.logits(one, model) }, wanted) < 1e-5)
        // The mean over masks is the output without them, to first order.
        let first = try Self.logits(one, model, DropoutState(seed: 1))
        let second = try Self.logits(one, model, DropoutState(seed: 2))
        #expect(try relativeError(first.detached(), wanted) > 1e-3)
        #expect(try relativeError(first.detached(), second.detached()) > 1e-3)
        try first.sum().backward()
        for entry in model.trained.entries { #expect(entry.tensor.hasGradient, "\(entry.name)") }
        #expect(!model.parameters.entries.contains { $0.tensor.hasGradient })
    }

    @Test("targets that are none, and a second pair of adapters, are refused by name")
    func refusals() throws {
        let model = try Self.cases[0].model()
        var options = LoRAOptions(rank: 2)
        options.targets = ["q_proj", "query_key"]
        let error = try #require(throws: TransformersError.self) { try model.adapt(options, seed: 1) }
        #expect(error.description.contains("'query_key'") && error.description.contains("down_proj"))
        try model.adapt(LoRAOptions(rank: 2), seed: 1)
        #expect(throws: TransformersError.self) { try model.adapt(LoRAOptions(rank: 2), seed: 1) }
        #expect(model.adapters?.layers.contains { $0.layer.hasSuffix("lm_head") } == false)
    }
}
