import Architectures
import Exporters
import Files
import Foundation
import JSON
import TestSupport
import Testing
import Transformers

@Suite("The loader of models and the exporters read and refuse config.json alike")
struct OneReadingTests {
    /// Broken fields of families other than BERT, by fixture.
    private static let families: [(fixture: String, key: String, value: JSONValue)] = [
        ("distilbert", "dim", 0), ("distilbert", "n_heads", 5), ("distilbert", "activation", "quick_gelu"),
        ("roberta", "pad_token_id", .null), ("roberta", "max_position_embeddings", 2),
        ("electra", "embedding_size", 2.5), ("albert", "inner_group_num", 2),
        ("albert-groups", "num_hidden_groups", 5), ("mpnet", "relative_attention_num_buckets", 64),
        ("deberta-v3", "pos_att_type", "p2p"), ("modernbert", "classifier_pooling", "max"),
        ("modernbert", "layer_types", ["full_attention"]),
    ]
    private static func quantization(_ group: JSONValue) -> JSONValue {
        [
            "quant_method": "compressed-tensors", "format": "int-quantized",
            "config_groups": ["group_0": group],
        ]
    }
    private static let int8: JSONValue = [
        "num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel", "dynamic": false,
    ]
    private static let quantizations: [JSONValue] = [
        "int8", ["quant_method": "gptq"], ["quant_method": "compressed-tensors"],
        quantization(["targets": ["Linear"]]),
        // Weights alone.
        quantization(["targets": ["Linear"], "weights": int8, "input_activations": nil]),
        quantization(["targets": ["Linear"], "weights": int8, "input_activations": ["num_bits": 4]]),
        quantization([
            "targets": ["Linear"], "weights": int8,
            "input_activations": ["num_bits": 8, "type": "int", "dynamic": true, "strategy": "group"],
        ]),
    ]

    /// Expects both to refuse a configuration with the same words.
    private func expectSameRefusal(_ fields: JSONObject, _ what: String) throws {
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "config.json")
            try file.put(JSONValue.object(fields).serialized())
            let loader = #expect(throws: ArchitectureError.self, "\(what)") {
                try AutoModel.load(from: directory)
            }
            let exporter = #expect(throws: ArchitectureError.self, "\(what)") {
                try ExportableModel(directory: directory)
            }
            #expect(loader == exporter && loader?.description.hasPrefix(file.path) == true, "\(what)")
        }
    }

    @Test("a BERT with a field that cannot be honoured", arguments: Refusal.all)
    func bert(_ refusal: Refusal) throws {
        var fields = SmallModel.fields
        for (key, value) in refusal.changes { fields[key] = value }
        try expectSameRefusal(fields, refusal.testDescription)
    }

    @Test("fields of other families")
    func otherFamilies() throws {
        for (name, key, value) in Self.families {
            let file = fixture("families/\(name)").appending(path: "config.json")
            var fields = try #require(JSONValue.load(contentsOf: file).objectValue)
            fields[key] = value
            try expectSameRefusal(fields, "\(name): \(key)")
        }
    }

    @Test("ways of quantising that are not known, and families")
    func others() throws {
        for value in Self.quantizations {
            var fields = SmallModel.fields
            fields["quantization_config"] = value
            try expectSameRefusal(fields, value.serialized())
        }
        for type: JSONValue in ["gpt2", 4, ""] {
            var fields = SmallModel.fields
            fields["model_type"] = type
            try expectSameRefusal(fields, type.serialized())
        }
    }

    @Test("what is read is the same", arguments: FamilyNamesTests.names)
    func reading(_ name: String) throws {
        guard name != "bert-base-prefixless" else { return }
        let exported = try ExportableModel(directory: fixture(name)).configuration
        let loaded = try AutoModel.load(from: fixture(name)).model.configuration
        #expect(exported == loaded && exported.warnings == loaded.warnings)
    }

    @Test("a label2id that contradicts is a warning to both, and does not count")
    func labels() throws {
        try withTemporaryDirectory { directory in
            for file in ["config.json", "model.safetensors"] {
                try FileManager.default.copyItem(
                    at: fixture("bert-tiny").appending(path: file), to: directory.appending(path: file))
            }
            let file = directory.appending(path: "config.json")
            var fields = try #require(JSONValue.load(contentsOf: file).objectValue)
            let names = try ModelConfiguration(contentsOf: directory).labelNames
            fields["label2id"] = .object(
                JSONObject(names.reversed().enumerated().map { ($1, .integer($0)) }))
            try file.put(JSONValue.object(fields).serialized())
            let exported = try ExportableModel(directory: directory).configuration
            let loaded = try AutoModel.load(from: directory).model.configuration
            #expect(exported.labelNames == names && loaded.labelNames == names)
            #expect(exported.warnings.count == 1 && exported.warnings == loaded.warnings)
        }
    }
}
