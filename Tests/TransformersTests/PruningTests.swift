import Foundation
import Safetensors
import Testing
import Torch

@testable import Architectures
@testable import Transformers

/// Models pruned as PyTorch does it: `scripts/fixtures/pruning.py`.
@Suite("Pruned models")
struct PruningTests {
    static let names = [
        "bert-tiny", "gemma3", "gpt2", "llama", "llama-biases", "mistral", "qwen2-windows", "qwen3",
    ]

    /// What PyTorch measured, chose and computed.
    private struct Numbers {
        let checkpoint: SafetensorsCheckpoint
        let model: TransformerModel
        let input: PackedInput
        let shape: ModelShape

        init(_ name: String) throws {
            let file = try SafetensorsCheckpoint(
                file: fixture("pruning").appending(path: "\(name).safetensors"))
            checkpoint = file
            let isDecoder = name != "bert-tiny"
            model = try AutoModel.load(
                from: isDecoder ? fixture("decoders").appending(path: name) : fixture(name)
            ).model
            func ids(_ name: String) throws -> [Int32] {
                try Self.tensor(file, name).array(of: Int64.self).map(Int32.init)
            }
            input = PackedInput(
                inputIDs: try ids("input_ids"), tokenTypeIDs: isDecoder ? nil : try ids("token_type_ids"),
                offsets: try ids("offsets").map(Int.init))
            let sizes = try ids("shape").map(Int.init)
            shape = ModelShape(
                layers: sizes[0], hiddenSize: sizes[1], intermediateSize: sizes[2], attentionHeads: sizes[3],
                keyValueHeads: sizes[4])
        }

        subscript(name: String) -> Tensor { get throws { try Self.tensor(checkpoint, name) } }

        func rows(_ name: String) throws -> [[Int]] {
            let tensor = try self[name]
            let (values, width) = (try tensor.array(of: Int64.self).map(Int.init), try tensor.size(1))
            return stride(from: 0, to: values.count, by: width).map { Array(values[$0..<$0 + width]) }
        }

        private static func tensor(_ checkpoint: SafetensorsCheckpoint, _ name: String) throws -> Tensor {
            let info = try #require(checkpoint.info(name), "no \(name)")
            let dtype: DType = info.dtype == .int64 ? .int64 : info.dtype == .float64 ? .float64 : .float32
            return try Tensor(bytes: checkpoint.bytes(of: name), shape: info.shape, dtype: dtype)
        }
    }

    private func pruned(
        _ model: TransformerModel, _ importance: PruningImportance, _ selection: PrunedSelection,
        corrects: Bool = true
    ) throws -> TransformerModel {
        try AutoModel.make(
            model.configuration.pruned(to: selection.shape, layers: selection.layers),
            source: PrunedSource(model, selection, importance, corrects: corrects), seed: 1)
    }

    @Test("importance, selection and the outputs are PyTorch's", arguments: names)
    func golden(_ name: String) throws {
        let numbers = try Numbers(name)
        let model = numbers.model
        let importance = try PruningImportance(model, texts: [numbers.input])
        func expect(_ values: [[Double]], _ name: String) throws {
            let own = try Tensor(values.flatMap(\.self), shape: [values.count, values[0].count])
            try expectClose(own, numbers[name], within: 1e-4, name)
        }
        try expect(importance.neurons, "neurons")
        try expect(importance.heads, "heads")
        try expectClose(Tensor(importance.hidden), numbers["hidden"], within: 1e-4, "hidden")
        let layers = try numbers["layers"].array(of: Int64.self).map(Int.init)
        let selection = try PrunedSelection(
            importance, of: model.configuration, to: numbers.shape, layers: layers)
        #expect(try selection.neurons == numbers.rows("kept_neurons"))
        #expect(try selection.heads == numbers.rows("kept_heads"))
        #expect(try selection.hidden == numbers["kept_hidden"].array(of: Int64.self).map(Int.init))
        let smaller = try pruned(model, importance, selection)
        #expect(smaller.parameters.elementCount == numbers.shape.parameterCount(of: model))
        try expectClose(smaller(numbers.input).logits, numbers["logits"], within: 2e-4, "logits")
        // Saved and read again, it is the same model.
        let place = FileManager.default.temporaryDirectory.appending(path: "pruned-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try ModelWriter.save(smaller, to: place)
        let again = try AutoModel.load(from: place).model
        #expect(try again(numbers.input).logits.bytes() == smaller(numbers.input).logits.bytes())
        #expect(again.configuration.shape == numbers.shape)
    }

    @Test("a file of numbers for each of the models")
    func fixtures() throws {
        let there = try FileManager.default.contentsOfDirectory(atPath: fixture("pruning").path)
        #expect(Set(there) == Set(Self.names.map { "\($0).safetensors" }))
    }

    @Test("what does nothing goes first, and the outputs stay", arguments: ["llama", "gpt2", "bert-tiny"])
    func silent(_ name: String) throws {
        let numbers = try Numbers(name)
        let (model, own) = (numbers.model, numbers.model.configuration.shape)
        try model.parameters.freeze()
        let layers = try (0..<own.layers).compactMap { try PrunableLayer(model.configuration, $0) }
        let gone = Set([1, 4, own.intermediateSize - 2])
        for layer in layers {
            let weight = try #require(model.parameters[layer.feedForwardOutput + ".weight"])
            let dimension = model.configuration.storesInputsFirst ? 0 : 1
            for place in gone { try weight.selected(dimension: dimension, index: place).fill(0) }
        }
        let importance = try PruningImportance(model, texts: [numbers.input])
        var shape = own
        shape.intermediateSize -= gone.count
        let selection = try PrunedSelection(
            importance, of: model.configuration, to: shape, layers: Array(0..<own.layers))
        #expect(
            selection.neurons.allSatisfy {
                $0 == (0..<own.intermediateSize).filter { !gone.contains($0) }
            })
        for corrects in [true, false] {
            let smaller = try pruned(model, importance, selection, corrects: corrects)
            try expectClose(
                smaller(numbers.input).logits, model(numbers.input).logits, within: 1e-5, "logits")
        }
    }

    @Test("with all sizes the parameters are the model's own, bit for bit", arguments: names)
    func whole(_ name: String) throws {
        let numbers = try Numbers(name)
        let model = numbers.model
        let importance = try PruningImportance(model, texts: [numbers.input])
        let own = model.configuration.shape
        let selection = try PrunedSelection(
            importance, of: model.configuration, to: own, layers: Array(0..<own.layers))
        #expect(try bytes(pruned(model, importance, selection)) == bytes(model))
        #expect(own.parameterCount(of: model) == model.parameters.elementCount)
        #expect(importance.tokens == numbers.input.inputIDs.count)
    }

    @Test("the correction brings the outputs of the last layer nearer")
    func correction() throws {
        let numbers = try Numbers("llama")
        let model = numbers.model
        let importance = try PruningImportance(model, texts: [numbers.input])
        var shape = model.configuration.shape
        shape.intermediateSize = 16
        let selection = try PrunedSelection(
            importance, of: model.configuration, to: shape, layers: [0, 1, 2])
        let expected = try model(numbers.input).logits
        func error(_ corrects: Bool) throws -> Double {
            try (pruned(model, importance, selection, corrects: corrects)(numbers.input).logits - expected)
                .square().sum().item()
        }
        #expect(try error(true) < 0.8 * error(false))
    }

    @Test("sizes that are no part of the model, or that config.json cannot say, are refused")
    func refusals() throws {
        let llama = try Numbers("llama").model.configuration
        let bert = try Numbers("bert-tiny").model.configuration
        expectRefusal("--layers 4", "has 3") { _ = try PrunedSizes(layers: 4).shape(of: llama) }
        expectRefusal("--hidden-size 0", "1 to 24") { _ = try PrunedSizes(hiddenSize: 0).shape(of: llama) }
        expectRefusal("--attention-heads 3", "multiple of 2") {
            _ = try PrunedSizes(attentionHeads: 3, keyValueHeads: 2).shape(of: llama)
        }
        #expect(try PrunedSizes(keyValueHeads: 1).shape(of: llama).attentionHeads == 2)
        #expect(try PrunedSizes(attentionHeads: 2).shape(of: llama).keyValueHeads == 1)
        expectRefusal("--hidden-size 20", "multiple of 8") {
            _ = try PrunedSizes(hiddenSize: 20).shape(of: bert)
        }
        expectRefusal("--attention-heads 2", "--hidden-size 16") {
            _ = try PrunedSizes(attentionHeads: 2).shape(of: bert)
        }
        expectRefusal("--key-value-heads", "no groups") {
            _ = try PrunedSizes(keyValueHeads: 2).shape(of: bert)
        }
        let albert = try ModelConfiguration(contentsOf: fixture("families").appending(path: "albert"))
        expectRefusal("ALBERT", "--layers alone") {
            _ = try PrunedSizes(intermediateSize: 8).shape(of: albert)
        }
        let electra = try ModelConfiguration(contentsOf: fixture("families").appending(path: "electra"))
        expectRefusal("ELECTRA", "--intermediate-size") {
            _ = try PrunedSizes(hiddenSize: electra.headSize).shape(of: electra)
        }
        #expect(throws: (any Error).self) {
            try PruningImportance(AutoModel.make(llama, source: nil, seed: 1), texts: [])
        }
    }
}
