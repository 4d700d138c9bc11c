import Foundation
import JSON
import TestSupport
import Testing

@testable import GGUF

@Suite struct ModelTests {
    static let names = ["llama", "llama-biases", "qwen2", "qwen3", "gpt2", "gemma3"]

    @Test(arguments: names)
    func tensorsAreThoseOfTransformers(name: String) throws {
        let model = try GGUFModel(file: Fixture.url("\(name).gguf"))
        let expected = try #require(Fixture.json("\(name).json")["tensors"]?.objectValue)
        #expect(Set(model.tensors.map(\.name)) == Set(expected.keys))
        for (name, value) in expected {
            let tensor = try #require(model.tensor(named: name))
            #expect(tensor.shape == value.objectValue?["shape"]?.arrayValue?.compactMap(\.intValue))
            let floats = try tensor.floats()
            #expect(Fixture.digest(floats) == value.objectValue?["sha256"]?.stringValue, "\(name)")
            try checkRows(tensor, floats)
        }
        #expect(model.tensor(named: "nothing") == nil)
    }

    private func checkRows(_ tensor: GGUFModelTensor, _ floats: [Float]) throws {
        let columns = tensor.columns
        for rows in [0..<1, tensor.rows - 1..<tensor.rows, tensor.rows / 3..<tensor.rows, 0..<0] {
            var part = [Float](repeating: 0, count: rows.count * columns)
            try part.withUnsafeMutableBufferPointer { try tensor.fill($0, rows: rows) }
            #expect(part == Array(floats[rows.lowerBound * columns..<rows.upperBound * columns]))
        }
        var room: [Float] = []
        room.withUnsafeMutableBufferPointer { room in
            ContainerTests.expectError("do not fit 0 elements") { try tensor.fill(room) }
            ContainerTests.expectError("rows") {
                try tensor.fill(room, rows: tensor.rows + 1..<tensor.rows + 1)
            }
        }
        guard let type = tensor.exactSixteenBits else { return }
        var patterns = [UInt16](repeating: 0, count: floats.count)
        try patterns.withUnsafeMutableBufferPointer { try tensor.fillPatterns($0) }
        #expect(
            patterns.map(type == .f16 ? HalfPrecision.float(half:) : HalfPrecision.float(brain:)) == floats)
    }

    @Test(arguments: names)
    func configurationIsThatOfTheModel(name: String) throws {
        let model = try GGUFModel(file: Fixture.url("\(name).gguf"))
        let expected = try #require(Fixture.json("\(name).json")["config"]?.objectValue)
        for (key, value) in expected { #expect(model.configuration[key] == value, "\(key)") }
        #expect(model.ropeFactors?.count == (name == "llama-biases" ? 8 : nil))
        if name == "gemma3" {
            let types = model.configuration["layer_types"]?.arrayValue?.compactMap(\.stringValue)
            #expect(types == (1...7).map { $0 == 6 ? "full_attention" : "sliding_attention" })
        }
    }

    @Test func endOfTurnEndsAnswersToo() throws {
        func end(_ changes: [String: GGUFValue]) throws -> JSONValue? {
            try fields("qwen3", changes)["eos_token_id"]
        }
        #expect(try end([:]) == 2)
        #expect(try end(["tokenizer.ggml.eot_token_id": .uint32(2)]) == 2)
        #expect(try end(["tokenizer.ggml.eot_token_id": .uint32(7)]) == [2, 7])
        #expect(try end(["tokenizer.ggml.eos_token_id": .uint32(.max)]) == nil)
    }

    /// The fields of a fixture's model with other keys.
    private func fields(_ name: String, _ changes: [String: GGUFValue]) throws -> JSONObject {
        let original = try GGUFCheckpoint(file: Fixture.url("\(name).gguf"))
        var fields = JSONObject()
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "x.gguf")
            let tensors = try original.tensors.map { info in
                GGUFOutputTensor(
                    name: info.name, type: .f32, shape: info.shape,
                    values: try Fixture.floats(original, info.name))
            }
            let metadata =
                original.metadata.filter { changes[$0.key] == nil } + changes.map { ($0.key, $0.value) }
            try GGUFWriter(metadata: metadata, tensors: tensors).write(to: file)
            fields = try GGUFModel(file: file).configuration
        }
        return fields
    }

    @Test func positionsAreScaledAsTheFileSays() throws {
        let old = try fields(
            "qwen3", ["qwen3.rope.scale_linear": .float32(4), "qwen3.rope.scaling.finetuned": .bool(true)])
        #expect(old["rope_scaling"] == ["rope_type": "linear", "factor": 4.0])
        let prefix = "qwen2.rope.scaling."
        let yarn = try fields(
            "qwen2",
            [
                prefix + "attn_factor": .float32(0.5), prefix + "yarn_beta_fast": .float32(16),
                prefix + "yarn_beta_slow": .float32(2), prefix + "yarn_ext_factor": .float32(1),
            ])["rope_scaling"]?.objectValue
        #expect(yarn?["beta_fast"] == 16.0 && yarn?["beta_slow"] == 2.0 && yarn?["factor"] == 4.0)
        #expect(yarn?["original_max_position_embeddings"] == 128)
        // Half of 0.1 ln 4 + 1.
        #expect(abs((yarn?["attention_factor"]?.doubleValue ?? 0) - 0.569_314_718) < 1e-8)
        #expect(try fields("qwen2", [prefix + "type": .string("none")])["rope_scaling"] == nil)
    }

    @Test func windowsOfGemmaAreThoseOfTheFile() throws {
        func types(_ changes: [String: GGUFValue]) throws -> [Bool]? {
            try fields("gemma3", changes)["layer_types"]?.arrayValue?.map { $0 == "sliding_attention" }
        }
        let key = "gemma3.attention.sliding_window_pattern"
        #expect(try types([key: .uint32(3)]) == [true, true, false, true, true, false, true])
        let layers = [true, false, true, false, true, false, true]
        #expect(try types([key: .array(.bool(layers))]) == layers)
        ContainerTests.expectError("has 1 elements for 7 layers") {
            try types([key: .array(.bool([true]))]) as Any
        }
        ContainerTests.expectError("must be a number of at least 1") { try types([key: .int32(0)]) as Any }
        #expect(
            try fields("gemma3", ["gemma3.rope.freq_base_swa": .float32(5)])["rope_local_base_freq"] == 5.0)
    }

    @Test(arguments: names)
    func valuesGoBothWays(name: String) throws {
        let model = try GGUFModel(file: Fixture.url("\(name).gguf"))
        for tensor in model.tensors {
            let written = tensor.conversion.valuesInFile(
                try tensor.floats(), shape: tensor.shape, headSize: tensor.headSize)
            let stored = try Fixture.floats(model.checkpoint, tensor.info.name)
            // What is subtracted and added again may be rounded.
            let bound: Float = tensor.conversion == .normPlusOne ? 1e-6 : 0
            #expect(zip(written, stored).allSatisfy { abs($0 - $1) <= bound }, "\(tensor.name)")
            #expect(written.count == stored.count)
        }
    }

    @Test func namesGoBothWays() {
        for family in GGUFFamily.all {
            for entry in family.tensors {
                for layer in [0, 7, 123] {
                    let file = GGUFTensorName.name(entry.file, layer: layer)
                    let checkpoint = GGUFTensorName.name(entry.checkpoint, layer: layer)
                    #expect(family.checkpointName(of: file) == checkpoint)
                    #expect(family.fileName(of: checkpoint) == file)
                }
            }
            for other in [
                "blk.00.attn_norm.weight", "blk.#.attn_norm.weight", "blk.-1.attn_norm.weight", "blk", "",
            ] {
                #expect(family.checkpointName(of: other) == nil)
            }
        }
        #expect(
            GGUFFamily.named("llama")?.fileName(of: "model.layers.4.self_attn.q_proj.weight")
                == "blk.4.attn_q.weight")
        #expect(GGUFFamily.named("mamba") == nil)
    }

    @Test func whatIsNotUnderstoodIsRefusedByName() throws {
        let original = try GGUFCheckpoint(file: Fixture.url("llama.gguf"))
        func expect(
            _ part: String?, keys: [String: GGUFValue?] = [:], without: String? = nil,
            adding: [GGUFOutputTensor] = []
        ) throws {
            try withTemporaryDirectory { directory in
                let file = directory.appending(path: "x.gguf")
                var metadata = original.metadata.filter { keys[$0.key] == nil }
                for (key, value) in keys { if let value { metadata.append((key, value)) } }
                let tensors = try original.tensors.filter { $0.name != without }.map { info in
                    GGUFOutputTensor(
                        name: info.name, type: .f32, shape: info.shape,
                        values: try Fixture.floats(original, info.name))
                }
                try GGUFWriter(metadata: metadata, tensors: tensors + adding).write(to: file)
                guard let part else {
                    _ = try GGUFModel(file: file)
                    return
                }
                ContainerTests.expectError(part) { try GGUFModel(file: file) }
            }
        }
        func extra(_ name: String, _ shape: [Int]) -> GGUFOutputTensor {
            let values = [Float](repeating: 0.5, count: shape.reduce(1, *))
            return GGUFOutputTensor(name: name, type: .f32, shape: shape, values: values)
        }
        try expect(nil)
        try expect(
            "\"mamba\" is not supported; use a model of one of llama, qwen2",
            keys: ["general.architecture": .string("mamba")])
        try expect("\"general.architecture\": is missing", keys: ["general.architecture": nil])
        try expect("\"llama.expert_count\": is not understood", keys: ["llama.expert_count": .uint32(8)])
        try expect(nil, keys: ["llama.expert_count": .uint32(0), "llama.logit_scale": .float32(1)])
        try expect("\"llama.some.thing\": is not understood", keys: ["llama.some.thing": .string("x")])
        try expect("\"llama.block_count\": is missing", keys: ["llama.block_count": nil])
        try expect("more than there are tensors", keys: ["llama.block_count": .uint32(1_000_000)])
        try expect("is missing; this is not a whole", keys: ["llama.block_count": .uint32(3)])
        try expect("with 1 layers, and may change", keys: ["llama.block_count": .uint32(1)])
        try expect(
            "\"llama.embedding_length\": must be a whole number from 1 to 2147483647, not -1",
            keys: ["llama.embedding_length": .int32(-1)])
        try expect(
            "\"llama.context_length\": must be a whole number from 1 to 2147483647, not 4294967295",
            keys: ["llama.context_length": .uint32(.max)])
        try expect(
            "\"llama.rope.freq_base\": must be above 1, not 1.0", keys: ["llama.rope.freq_base": .float32(1)])
        try expect(
            "\"llama.attention.layer_norm_rms_epsilon\": must be at most 1",
            keys: ["llama.attention.layer_norm_rms_epsilon": .float32(1e30)])
        try expect("which does not divide", keys: ["llama.attention.head_count_kv": .uint32(3)])
        try expect(
            "differs from layer to layer", keys: ["llama.attention.head_count_kv": .array(.int32([2, 1]))])
        try expect(nil, keys: ["llama.attention.head_count_kv": .array(.int32([2, 2]))])
        try expect("\"llama.vocab_size\": is 41", keys: ["llama.vocab_size": .uint32(41)])
        try expect("only a part of each head", keys: ["llama.rope.dimension_count": .uint32(4)])
        try expect("is shorter than the context", keys: ["llama.attention.sliding_window": .uint32(8)])
        try expect("\"longrope\" is not supported", keys: ["llama.rope.scaling.type": .string("longrope")])
        try expect(
            "rope.scaling.factor\": is missing, but must be a number of at least 1",
            keys: ["llama.rope.scaling.factor": nil])
        try expect(
            "its shape [32, 32] does not fit key \"llama.feed_forward_length\", by which it must be [",
            keys: ["llama.feed_forward_length": .uint32(16)])
        try expect(
            "\"token_embd.weight\": its shape [40, 32] does not fit key \"llama.embedding_length\", by which it must be [40, 64]",
            keys: ["llama.embedding_length": .uint32(64), "llama.attention.key_length": .uint32(8)])
        try expect("must be a finite number", keys: ["llama.rope.freq_base": .float32(.infinity)])
        try expect("\"blk.1.ffn_up.weight\": is missing", without: "blk.1.ffn_up.weight")
        try expect("\"token_embd.weight\": is missing", without: "token_embd.weight")
        try expect(
            "is no tensor of a model of architecture llama",
            adding: [extra("blk.0.ffn_gate_exps.weight", [2])])
        try expect(
            "\"blk.0.attn_k.bias\": is missing, but there is", adding: [extra("blk.0.attn_q.bias", [32])])
        try expect(
            "its shape [31, 32] does not fit", without: "blk.0.attn_q.weight",
            adding: [extra("blk.0.attn_q.weight", [31, 32])])
        try expect("both scale positions", adding: [extra("rope_freqs.weight", [4])])
        try expect(
            "does not follow Llama 3's rule", keys: ["llama.rope.scaling.type": .string("none")],
            adding: [extra("rope_freqs.weight", [4])])
        try expect("its shape [5] does not fit heads of 8", adding: [extra("rope_freqs.weight", [5])])
    }

    /// The types' numbers are next to each other: F32 is 0, I32 26, and both have four bytes.
    @Test(arguments: ["blk.0.attn_norm.weight", "output_norm.weight"])
    func wholeNumbersAreNoWeights(name: String) throws {
        var bytes = try Data(contentsOf: Fixture.url("qwen3.gguf"))
        let place = try #require(bytes.range(of: Data(name.utf8)))
        // Behind the name: the number of axes, one size, the type.
        let type = place.upperBound + 12
        try #require(bytes[type] == 0)
        bytes[type] = 26
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "x.gguf")
            try bytes.write(to: file)
            let found = try GGUFCheckpoint(file: file).info(name)?.type
            #expect(found == .i32)
            ContainerTests.expectError("tensor \"\(name)\": its type I32 is one of whole numbers") {
                try GGUFModel(file: file)
            }
            // F16 has half of the bytes.
            bytes[type] = 1
            try bytes.write(to: file)
            ContainerTests.expectError("tensor \"\(name)\": with type F16 and shape [32] it ends at byte") {
                try GGUFModel(file: file)
            }
        }
    }
}
