import Files
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Transformers

@Suite("Loading checkpoints")
struct CheckpointTests {
    @Test(
        "old names, prefixes and shards give the same parameters",
        arguments: ["bert-tiny-legacy", "bert-tiny-sharded"])
    func variants(_ variant: String) throws {
        let (model, report) = try AutoModel.load(from: fixture(variant))
        #expect(try bytes(model) == bytes(AutoModel.load(from: fixture("bert-tiny")).model))
        let isLegacy = variant.hasSuffix("legacy")
        #expect(report.newlyInitialized.isEmpty && !report.headIsNew)
        #expect(report.unused == (isLegacy ? ["bert.embeddings.position_ids"] : []))
    }

    @Test("a bare encoder's weights are read, and its head is new")
    func bareEncoder() throws {
        let golden = try Golden("bert-base-prefixless")
        // With as many classes as hidden units, an identity as the head shows what the pooler gives.
        let names = (0..<32).map { "unit \($0)" }
        let (model, report) = try AutoModel.load(from: fixture("bert-base-prefixless"), labelNames: names)
        #expect(report.newlyInitialized == ["classifier.bias", "classifier.weight"])
        #expect(report.unused.isEmpty && report.headIsNew)
        #expect(report.description.contains("newly initialized: classifier.bias, classifier.weight"))
        let identity = (0..<32 * 32).map { Float($0 % 33 == 0 ? 1 : 0) }
        try #require(model.parameters["classifier.weight"]).copy(from: Tensor(identity, shape: [32, 32]))
        let output = try model(golden.input, dropout: nil, selecting: .hiddenStates)
        try expectClose(output.logits, golden["pooler_output"], "pooler output")
        try expectClose(
            try #require(output.hiddenStates.last), golden["last_hidden_state"], "last hidden state")
    }

    @Test("float16 weights become float32")
    func float16() throws {
        let golden = try Golden("bert-tiny-float16")
        let model = try AutoModel.load(from: fixture("bert-tiny-float16")).model
        #expect(model.parameters.tensors.allSatisfy { $0.dtype == .float32 })
        let logits = try model(golden.input).logits
        try expectClose(logits, golden["logits"], "logits")
        try expectClose(logits.crossEntropy(golden["labels"]), golden["loss"], "loss")
    }

    @Test("weights of every floating-point type are read, others are refused")
    func types() throws {
        let original = try AutoModel.load(from: fixture("bert-tiny")).model
        for (stored, dtype): (SafetensorsDType, DType) in [(.bfloat16, .bfloat16), (.float64, .float64)] {
            try withTemporaryDirectory { directory in
                try write(original, to: directory) { ($0, stored, try $1.to(dtype)) }
                let read = try AutoModel.load(from: directory).model
                for (a, b) in zip(original.parameters.tensors, read.parameters.tensors) {
                    #expect(try a.to(dtype).to(.float32).bytes() == b.bytes())
                }
            }
        }
        try withTemporaryDirectory { directory in
            try write(original, to: directory) { name, tensor in
                name == "classifier.bias"
                    ? (name, .int32, try tensor.to(.int32)) : (name, .float32, tensor)
            }
            expectRefusal("classifier.bias", "I32", "F32, F16, BF16 or F64") {
                _ = try AutoModel.load(from: directory)
            }
        }
    }

    @Test("pretraining heads and stray tensors are reported as unused, missing layers as new")
    func reports() throws {
        let original = try AutoModel.load(from: fixture("bert-tiny")).model
        try withTemporaryDirectory { directory in
            try write(original, to: directory) { name, tensor in
                let names = [
                    "classifier.weight": "cls.predictions.decoder.weight",
                    "classifier.bias": "cls.predictions.bias",
                    "bert.pooler.dense.bias": "bert.extra.bias",
                ]
                return (names[name] ?? name, .float32, tensor)
            }
            let report = try AutoModel.load(from: directory).report
            #expect(
                report.newlyInitialized == ["bert.pooler.dense.bias", "classifier.bias", "classifier.weight"])
            #expect(
                report.unused == [
                    "bert.extra.bias", "cls.predictions.bias", "cls.predictions.decoder.weight",
                ])
            #expect(report.description.contains("not used: bert.extra.bias, cls.predictions.bias"))
            #expect(!report.description.contains("\n"))
        }
        let many = LoadReport(newlyInitialized: (1...9).map { "layer.\($0)" }, unused: [])
        #expect(many.description.contains("layer.6 and 3 more") && !many.headIsNew)
        #expect(LoadReport(newlyInitialized: [], unused: []).description.contains("All weights"))
    }

    @Test("two tensors for one parameter are refused")
    func ambiguous() throws {
        let original = try AutoModel.load(from: fixture("bert-tiny")).model
        try withTemporaryDirectory { directory in
            try write(original, to: directory) { name, tensor in
                let norm = "bert.embeddings.LayerNorm."
                return (name == norm + "bias" ? "embeddings.LayerNorm.gamma" : name, .float32, tensor)
            }
            expectRefusal("embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.weight", "same parameter")
            {
                _ = try AutoModel.load(from: directory)
            }
        }
    }

    @Test("a shape that the configuration does not have is refused with both")
    func shapes() throws {
        try withTemporaryDirectory { directory in
            try copy("bert-tiny", to: directory) { $0["hidden_size"] = 64 }
            expectRefusal(
                directory.lastPathComponent, "bert.embeddings.word_embeddings.weight", "[120, 32]",
                "[120, 64]"
            ) { _ = try AutoModel.load(from: directory) }
        }
        try withTemporaryDirectory { directory in
            try copy("bert-tiny", to: directory) {
                ($0["id2label"], $0["label2id"]) = (nil, nil)
            }
            expectRefusal("classifier.weight", "[3, 32]", "[2, 32]") {
                _ = try AutoModel.load(from: directory)
            }
        }
    }

    @Test("a head of another number of classes is replaced only if asked")
    func headSizes() throws {
        let directory = fixture("bert-tiny")
        expectRefusal("3 classes", "2 (no, yes)", "--ignore-mismatched-sizes") {
            _ = try AutoModel.load(from: directory, labelNames: ["no", "yes"])
        }
        let (model, report) = try AutoModel.load(
            from: directory, labelNames: ["no", "yes"], ignoreMismatchedSizes: true)
        #expect(report.headIsNew && report.newlyInitialized == ["classifier.bias", "classifier.weight"])
        #expect(report.unused == ["classifier.bias", "classifier.weight"])
        #expect(model.configuration.labelNames == ["no", "yes"])
        #expect(model.parameters["classifier.weight"]?.shape == [2, 32])

        let same = try AutoModel.load(
            from: directory, labelNames: ["a", "b", "c"], ignoreMismatchedSizes: true)
        #expect(!same.report.headIsNew && same.model.configuration.labelNames == ["a", "b", "c"])
    }

    @Test("the seed decides what is newly initialised, and nothing else")
    func seeds() throws {
        func weights(_ seed: UInt64) throws -> [String: [UInt8]] {
            try bytes(AutoModel.load(from: fixture("bert-base-prefixless"), seed: seed).model)
        }
        let (a, b, again) = (try weights(1), try weights(2), try weights(1))
        #expect(a == again)
        #expect(a.filter { b[$0.key] != $0.value }.keys.sorted() == ["classifier.weight"])
    }

    @Test("directories without usable weights are refused")
    func missingWeights() throws {
        try withTemporaryDirectory { directory in
            try copy("bert-tiny", to: directory, weights: false)
            expectRefusal(directory.lastPathComponent, "has no model.safetensors") {
                _ = try AutoModel.load(from: directory)
            }
            try directory.appending(path: "pytorch_model.bin").put("")
            expectRefusal("pytorch_model.bin", "convert", "save_file", "weights_only=True") {
                _ = try AutoModel.load(from: directory)
            }
            try directory.appending(path: "model.safetensors").put("short")
            #expect(throws: SafetensorsError.self) { try AutoModel.load(from: directory) }
        }
    }

    /// Copies a fixture with a changed configuration.
    private func copy(
        _ variant: String, to directory: URL, weights: Bool = true,
        _ changes: (inout JSONObject) -> Void = { _ in }
    ) throws {
        let value = try JSONValue.load(contentsOf: fixture(variant).appending(path: "config.json"))
        var json = try #require(value.objectValue)
        changes(&json)
        try directory.appending(path: "config.json").put(JSONValue.object(json).serialized())
        guard weights else { return }
        try FileManager.default.copyItem(
            at: fixture(variant).appending(path: "model.safetensors"),
            to: directory.appending(path: "model.safetensors"))
    }

    /// Writes a checkpoint with other names or types.
    private func write(
        _ model: TransformerModel, to directory: URL,
        _ change: (String, Tensor) throws -> (String, SafetensorsDType, Tensor)
    ) throws {
        try copy("bert-tiny", to: directory, weights: false)
        let entries = try model.parameters.entries.map { entry in
            let (name, dtype, tensor) = try change(entry.name, entry.tensor.detached())
            return SafetensorsWriter.Entry(
                name: name, dtype: dtype, shape: tensor.shape, bytes: try tensor.bytes())
        }
        try SafetensorsWriter.write(entries, to: directory.appending(path: "model.safetensors"))
    }
}
