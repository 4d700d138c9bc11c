import Files
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Transformers

/// What PEFT's files may say, on changed copies of the fixtures.
extension LowRankAdapterTests {
    /// A tensor of a file, in float32.
    struct Stored {
        var name: String
        var shape: [Int]
        var bytes: [UInt8]

        init(_ name: String, _ shape: [Int], _ bytes: [UInt8]? = nil) {
            (self.name, self.shape) = (name, shape)
            self.bytes = bytes ?? [UInt8](repeating: 0, count: 4 * shape.reduce(1, *))
        }
    }

    /// Writes a copy of a case's adapters, whose base is named by its path, and changes it.
    private static func copy(
        _ one: Case, to folder: URL, _ fields: (inout JSONObject) -> Void, _ tensors: (inout [Stored]) -> Void
    ) throws {
        let source = fixture("lora/\(one.name)")
        var object = try #require(
            try JSONValue.load(contentsOf: source.appending(path: "adapter_config.json")).objectValue)
        object["base_model_name_or_path"] = .string(fixture(one.base).standardizedFileURL.path)
        fields(&object)
        try folder.appending(path: "adapter_config.json").put(JSONValue.object(object).serialized())
        let file = try SafetensorsCheckpoint(file: source.appending(path: "adapter_model.safetensors"))
        var all = try file.tensors.map { info in
            Stored(info.name, info.shape, try file.withBytes(of: info.name) { [UInt8]($0) })
        }
        tensors(&all)
        try SafetensorsWriter.write(
            all.map {
                SafetensorsWriter.Entry(name: $0.name, dtype: .float32, shape: $0.shape, bytes: $0.bytes)
            },
            to: folder.appending(path: "adapter_model.safetensors"))
    }

    /// The error of changed files; empty where they are read.
    private static func message(
        _ one: Case = cases[0], fields: (inout JSONObject) -> Void = { _ in },
        tensors: (inout [Stored]) -> Void = { _ in }
    ) throws -> String {
        var message = ""
        try withTemporaryDirectory { folder in
            try copy(one, to: folder, fields, tensors)
            do {
                let reader = try AdapterReader(folder)
                _ = try reader.model(base: #require(reader.localBase))
            } catch { message = "\(error)" }
        }
        return message
    }

    @Test(
        "a field that changes the result and is not read, or is of another type, is refused by its name",
        arguments: [
            ("alora_invocation_tokens", [1, 2]), ("use_bdlora", ["target_modules_bd_a": ["q_proj"]]),
            ("use_dora", true), ("use_foura", true), ("arrow_config", ["top_k": 3]),
            ("alpha_pattern", ["q_proj": 3]), ("layer_replication", [[0, 2]]),
            ("use_rslora", "true"), ("use_rslora", 1), ("fan_in_fan_out", "no"),
            ("init_lora_weights", "pissa"),
            ("bias", "some"), ("r", 0), ("r", "4"), ("r", 4.5), ("rank_pattern", ["q_proj": "4"]),
            ("lora_alpha", "6"), ("lora_alpha", nil), ("lora_alpha", 1e300), ("target_modules", [1]),
            ("modules_to_save", "classifier"),
            ("layers_to_transform", "0"), ("revision", 3),
        ] as [(String, JSONValue)])
    func refusedField(name: String, value: JSONValue) throws {
        let message = try Self.message(fields: { $0[name] = value })
        #expect(message.contains("adapter_config.json: \(name) "), "\(message)")
    }

    @Test(
        "a field that changes nothing is none, whatever it holds",
        arguments: [
            ("auto_mapping", ["base_model_class": "LlamaForCausalLM"]), ("peft_version", "0.17.0"),
            ("megatron_core", "megatron.core"), ("eva_config", ["rho": 2.0]), ("qalora_group_size", 32),
            ("init_lora_weights", "gaussian"), ("later_field", nil), ("later_field", false),
            ("later_field", []), ("later_field", [:]), ("inference_mode", false), ("revision", "abc"),
            ("rank_pattern", ["q_proj": 4, ".*v_pro[jk]": 9]), ("exclude_modules", ["k_proj"]),
            ("target_modules", ".*self_attn\\.(q|v)_proj"), ("target_modules", nil),
        ] as [(String, JSONValue)])
    func ignoredField(name: String, value: JSONValue) throws {
        #expect(try Self.message(fields: { $0[name] = value }).isEmpty)
    }

    @Test("tensors are those of target_modules, and of r, or of rank_pattern")
    func targets() throws {
        func message(_ one: Case, _ changes: (String, JSONValue)...) throws -> String {
            try Self.message(one, fields: { for (name, value) in changes { $0[name] = value } })
        }
        let outside = try message(Self.cases[0], ("target_modules", ["q_proj"]))
        #expect(outside.contains("'model.layers.0.self_attn.v_proj'") && outside.contains("target_modules"))
        let missing = try message(Self.cases[0], ("target_modules", ["q_proj", "v_proj", "k_proj"]))
        #expect(missing.contains("'model.layers.0.self_attn.k_proj'") && missing.contains("target_modules"))
        #expect(
            try message(
                Self.cases[0], ("target_modules", ["q_proj", "v_proj", "k_proj"]),
                ("exclude_modules", ["k_proj"])
            ).isEmpty)
        #expect(
            try message(Self.cases[0], ("target_modules", "all-linear")).contains(
                "has no adapter of 'model.layers.0."))
        #expect(try message(Self.cases[1], ("target_modules", "all-linear")).isEmpty)
        let rank = try message(Self.cases[0], ("r", 8))
        #expect(rank.contains("r = 8") && rank.contains("self_attn.q_proj"))
        #expect(
            try message(
                Self.cases[0], ("r", 8), ("rank_pattern", ["q_proj": 4, "layers.0.self_attn.v_proj": 4])
            )
            .contains("'model.layers.1.self_attn.v_proj'"))
        #expect(
            try message(Self.cases[0], ("r", 8), ("rank_pattern", ["q_proj": 4, "v_proj": 4])).isEmpty)
        // Layers 0 and 1 alone, where the file has those of layer 2 no more.
        let layers = ("layers_to_transform", [0, 1] as JSONValue)
        let partial = try Self.message(
            fields: { $0[layers.0] = layers.1 }, tensors: { $0.removeAll { $0.name.contains("layers.2.") } })
        #expect(partial.isEmpty, "\(partial)")
        let lacking = try Self.message(tensors: { $0.removeAll { $0.name.contains("layers.2.") } })
        #expect(lacking.contains("'model.layers.2.self_attn.q_proj'"))
    }

    @Test(
        "what the description names is in the file, and nothing else: the output layer, whole modules, layers"
    )
    func completeness() throws {
        // Llama's output layer has weights of its own, GPT-2's has the embedding's.
        for (one, targets) in [
            (Self.cases[0], ["q_proj", "v_proj", "lm_head"] as JSONValue),
            (Self.cases[2], ["c_attn", "c_fc", "mlp.c_proj", "lm_head"] as JSONValue),
        ] {
            let output = try Self.message(one, fields: { $0["target_modules"] = targets })
            #expect(output.contains("has no adapter of 'lm_head'"), "\(output)")
            let whole = try Self.message(one, fields: { $0["modules_to_save"] = ["lm_head"] })
            #expect(
                whole.contains("has no tensor 'base_model.model.lm_head.weight', though modules_to_save"),
                "\(whole)")
        }
        let half = try Self.message(
            Self.cases[3],
            tensors: { $0.removeAll { $0.name == "base_model.model.classifier.bias" } })
        #expect(half.contains("has no tensor 'base_model.model.classifier.bias'"), "\(half)")
        // Names that no module of the model has say nothing.
        let other = try Self.message(fields: {
            $0["target_modules"] = ["q_proj", "v_proj", "score"]
            $0["modules_to_save"] = ["classifier", "score"]
        })
        #expect(other.isEmpty, "\(other)")
        let layers = try Self.message(fields: { $0["layers_to_transform"] = [0, 1] })
        #expect(
            layers.contains("'model.layers.2.self_attn.q_proj', which layers_to_transform")
                && layers.contains("leaves out"), "\(layers)")
        let excluded = try Self.message(fields: { $0["exclude_modules"] = ["v_proj"] })
        #expect(excluded.contains("v_proj', which exclude_modules"), "\(excluded)")
        let large = try Self.message(fields: { $0["lora_alpha"] = 3e38 })
        #expect(large.isEmpty || large.contains("lora_alpha"), "\(large)")
    }

    @Test("half a pair, no tensor, and other shapes are errors that name the module")
    func tensors() throws {
        let module = "model.layers.1.self_attn.q_proj"
        for half in ["lora_A", "lora_B"] {
            let message = try Self.message(tensors: {
                $0.removeAll { $0.name == "base_model.model.\(module).\(half).weight" }
            })
            #expect(message.contains("'\(module)'") && message.contains("\(half).weight' is missing"))
        }
        #expect(try Self.message(tensors: { $0 = [] }).contains("adapter_model.safetensors"))
        let message = try Self.message(tensors: { all in
            for index in all.indices where all[index].name.hasSuffix("\(module).lora_B.weight") {
                all[index].shape = [12, 8]
            }
        })
        #expect(message.contains("'\(module)'") && message.contains("[12, 8]") && message.contains("[24, 4]"))
        #expect(message.contains("adapter_model.safetensors") && !message.contains("low_rank_merge"))
    }

    @Test("embeddings, output layers and biases are said not to be read, rather than the base to be another")
    func vocabulary() throws {
        for (one, module, name) in [
            (Self.cases[0], "lm_head", "lm_head.base_layer.weight"),
            (Self.cases[0], "embed_tokens", "model.embed_tokens.lora_embedding_A"),
            // The output layer has the same weights, and PEFT trains the embedding alone.
            (Self.cases[2], "wte", "transformer.wte.weight"),
            // A bias that was trained beside its layer's adapter.
            (Self.cases[0], "norm", "model.layers.0.self_attn.q_proj.base_layer.bias"),
        ] {
            let message = try Self.message(
                one, fields: { $0["modules_to_save"] = [.string(module)] },
                tensors: { $0.append(Stored("base_model.model." + name, [1, 1])) })
            #expect(message.contains(name) && message.contains("merge_and_unload"), "\(message)")
            #expect(!message.contains("base_model_name_or_path"), "\(message)")
        }
    }

    @Test("a pickle is refused with what to do; a revision is one of the Hub's models alone")
    func places() throws {
        try withTemporaryDirectory { folder in
            try Self.copy(Self.cases[0], to: folder, { $0["revision"] = "abc" }, { _ in })
            let reader = try AdapterReader(folder)
            #expect(reader.localBase != nil && !reader.base.contains("abc"))
            try Self.copy(
                Self.cases[0], to: folder,
                {
                    $0["base_model_name_or_path"] = "org/name"
                    $0["revision"] = "abc"
                }, { _ in })
            #expect(try AdapterReader(folder).base == "org/name@abc")
            try FileManager.default.moveItem(
                at: folder.appending(path: "adapter_model.safetensors"),
                to: folder.appending(path: "adapter_model.bin"))
            let error = #expect(throws: TransformersError.self) { try AdapterReader(folder) }
            #expect(error?.description.contains("safe_serialization") == true)
            try FileManager.default.removeItem(at: folder.appending(path: "adapter_model.bin"))
            let missing = #expect(throws: TransformersError.self) { try AdapterReader(folder) }
            #expect(missing?.description.contains("is missing") == true)
        }
    }
}
