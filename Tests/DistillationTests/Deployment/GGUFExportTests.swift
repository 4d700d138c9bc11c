import Architectures
import Deployment
import Exporters
import Files
import Foundation
import GGUF
import JSON
import Safetensors
import Testing
import Tokenizers
import Torch

@testable import Distillation
@testable import Transformers

/// Language models as GGUF files, opened by this package's own reader, whose values are held to Python's `gguf`.
@Suite("GGUF files of language models") struct GGUFExportTests {
    private static let tokenizers = TinyLanguageModel.tokenizer.deletingLastPathComponent()

    /// The fields of `config.json` of a model of each kind; V stands for the number of tokens.
    private static let models: [String: (tokenizer: String, fields: String)] = [
        "llama": ("bytes", #""model_type": "llama", "tie_word_embeddings": true, \#(sizes)"#),
        "llama-biases": (
            "bytes",
            #""model_type": "llama", "tie_word_embeddings": false, "attention_bias": true, "mlp_bias": true, "head_dim": 16, \#(sizes)"#
        ),
        "llama-linear": (
            "pieces",
            #""model_type": "llama", "rope_parameters": {"rope_type": "linear", "rope_theta": 1000.0, "factor": 4.0}, \#(sizes)"#
        ),
        "llama3": (
            "begin",
            #""model_type": "llama", "rope_theta": 500000.0, "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}, \#(sizes)"#
        ),
        "llama-yarn": (
            "bytes",
            #""model_type": "llama", "rope_parameters": {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 32, "beta_fast": 16, "attention_factor": 1.3}, \#(sizes)"#
        ),
        "mistral": ("bytes", #""model_type": "mistral", "sliding_window": null, \#(sizes)"#),
        "qwen2": ("bytes", #""model_type": "qwen2", "tie_word_embeddings": true, \#(sizes)"#),
        "qwen3": (
            "bytes", #""model_type": "qwen3", "tie_word_embeddings": false, "head_dim": 16, \#(sizes)"#
        ),
        "gemma3": (
            "pieces",
            #""model_type": "gemma3_text", "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 8, "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0, "num_hidden_layers": 7, "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128"#
        ),
        "gpt2": (
            "bytes",
            #""model_type": "gpt2", "n_embd": 32, "n_layer": 3, "n_head": 4, "n_positions": 128, "activation_function": "gelu_new""#
        ),
    ]
    private static let sizes =
        #""hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128, "rms_norm_eps": 1e-5"#

    /// Writes a model with random weights, norms and biases among them.
    private static func write(
        _ name: String, in folder: URL, changes: JSONObject = [:]
    ) throws -> URL {
        let (tokenizer, fields) = try #require(models[name])
        let directory = folder.appending(path: name, directoryHint: .isDirectory)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let source = tokenizers.appending(path: tokenizer)
        let size = try Tokenizer.load(directory: source).vocabularySize
        var object = try #require(
            JSONValue.parse(#"{"vocab_size": \#(size), "initializer_range": 0.3, \#(fields)}"#).objectValue)
        for (key, value) in changes { object[key] = value }
        let model = try AutoModel.make(
            ModelConfiguration(json: object, source: "test"), source: nil, seed: 7)
        try withNoGrad {
            for (index, name) in model.parameters.names.enumerated() {
                let tensor = try #require(model.parameters[name])
                guard tensor.shape.count == 1 else { continue }
                let values = (0..<tensor.shape[0]).map { Float(($0 * 7 + index) % 13) / 40 - 0.1 }
                try tensor.copy(from: tensor + Tensor(values, shape: tensor.shape))
            }
        }
        try ModelWriter.save(model, to: directory)
        try OutputDirectory.copyTokenizer(from: source, to: directory)
        return directory
    }

    private static func export(
        _ model: URL, as type: GGUFOutputType, _ change: (inout GGUFExportRequest) -> Void = { _ in }
    ) throws -> (file: URL, report: GGUFExportReport) {
        let output = model.deletingLastPathComponent().appending(
            path: "\(model.lastPathComponent)-\(type.rawValue).gguf")
        var request = GGUFExportRequest(model: model, output: output)
        request.type = type
        request.overwrite = true
        change(&request)
        return (output, try GGUFExportRun(request).run())
    }

    private static func parameters(_ model: TransformerModel) throws -> [String: [Float]] {
        try Dictionary(
            uniqueKeysWithValues: model.parameters.names.map {
                ($0, try #require(model.parameters[$0]).array(of: Float.self))
            })
    }

    private static func logits(_ model: TransformerModel) throws -> [Float] {
        let ids = (0..<40).map { Int32($0 * 5 % 60) }
        return try withNoGrad {
            try model(PackedInput(inputIDs: ids, offsets: [0, ids.count])).logits.array(of: Float.self)
        }
    }

    @Test("every family comes back bit for bit in float32", arguments: models.keys.sorted())
    func families(_ name: String) throws {
        let place = try TemporaryFolder()
        let directory = try Self.write(name, in: place.url)
        let (file, report) = try Self.export(directory, as: .f32)
        let (own, _) = try AutoModel.load(from: directory)
        let (read, _) = try AutoModel.load(from: file)
        let (wanted, found) = (try Self.parameters(own), try Self.parameters(read))
        #expect(Set(wanted.keys) == Set(found.keys))
        for (name, values) in wanted {
            // Gemma's norms are stored with 1 added.
            let isRounded = report.output.contains("gemma") && name.contains("norm")
            let difference = zip(values, found[name] ?? []).map { abs($0 - $1) }.max() ?? .infinity
            #expect(difference <= (isRounded ? 1e-7 : 0), "\(name)")
        }
        let (mine, other) = (try Self.logits(own), try Self.logits(read))
        let difference = zip(mine, other).map { abs($0 - $1) }.max() ?? .infinity
        #expect(difference <= 2e-5 * (mine.map(abs).max() ?? 0), "\(difference)")
        #expect(report.bytes == (try Data(contentsOf: file)).count)
        #expect(report.types.keys.sorted() == ["F32"])
        // The tokenizer gives the same ids, with special tokens and without.
        let tokenizer = try Tokenizer.load(directory: directory)
        let loaded = try LoadedModel(file, languageModels: true)
        for text in [
            "The user asks: what is 1234567?", " Gru\u{FC}\u{DF}e  aus K\u{F6}ln.\n\n", "", "日本語 it's",
        ] {
            #expect(try tokenizer.encode(text).ids == loaded.tokenizer.encode(text).ids, "\(text)")
        }
        #expect(loaded.tokenizer.eosTokenID == tokenizer.eosTokenID)
    }

    @Test("every type is what the reader of the format makes of it", arguments: GGUFOutputType.allCases)
    func types(_ type: GGUFOutputType) throws {
        let place = try TemporaryFolder()
        let directory = try Self.write(
            "llama", in: place.url,
            changes: ["hidden_size": 256, "intermediate_size": 512, "head_dim": 64, "num_hidden_layers": 2])
        let (file, report) = try Self.export(directory, as: type)
        let (wanted, found) = (
            try Self.parameters(AutoModel.load(from: directory).model),
            try Self.parameters(AutoModel.load(from: file).model)
        )
        // The root mean square error of most matrices, over that of the weights.
        let most: [GGUFOutputType: Double] = [
            .f32: 0, .f16: 3e-4, .bf16: 2e-3, .q80: 0.006, .q6K: 0.02, .q50: 0.045, .q5KS: 0.04,
            .q5KM: 0.04, .q40: 0.09, .q4KS: 0.08, .q4KM: 0.08,
        ]
        for (name, values) in wanted {
            let other = try #require(found[name])
            let error = zip(values, other).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }
            let size = values.reduce(0.0) { $0 + pow(Double($1), 2) }
            let relative = (error / size).squareRoot()
            #expect(
                relative <= (name.contains("norm") ? 0 : try #require(most[type])), "\(name): \(relative)")
            if type == .f16, !name.contains("norm") {
                #expect(
                    zip(values, other).allSatisfy { HalfPrecision.float(half: HalfPrecision.half($0)) == $1 })
            }
        }
        let names = report.types.keys.sorted()
        switch type {
        case .q4KM: #expect(names == ["F32", "Q4_K", "Q6_K"])
        case .q4KS: #expect(names == ["F32", "Q4_K", "Q5_K", "Q6_K"])
        case .q5KM, .q5KS: #expect(names == ["F32", "Q5_K", "Q6_K"])
        case .q40, .q50: #expect(names == ["F32", type.tensorType.name, "Q6_K"])
        default: #expect(Set(names) == ["F32", type.tensorType.name])
        }
        #expect(try GGUFCheckpoint(file: file)["general.file_type"]?.intValue != nil)
    }

    @Test("rows that no block divides take the next type up, which is told")
    func fallbacks() throws {
        let place = try TemporaryFolder()
        let directory = try Self.write(
            "llama", in: place.url, changes: ["intermediate_size": 48, "num_hidden_layers": 2])
        let (file, report) = try Self.export(directory, as: .q4KM)
        let checkpoint = try GGUFCheckpoint(file: file)
        #expect(checkpoint.info("blk.0.attn_q.weight")?.type == .q50)
        #expect(checkpoint.info("blk.1.ffn_down.weight")?.type == .f16)
        #expect(checkpoint.info("token_embd.weight")?.type == .q80)
        #expect(
            report.notes.contains {
                $0.contains("Q4_K by Q5_0") && $0.contains("blk.0.attn_q.weight (32 columns)")
            })
        #expect(
            report.notes.contains { $0.contains("by F16 in") && $0.contains("ffn_down.weight (48 columns)") })
    }

    @Test("a window is the context's length, which is told")
    func windows() throws {
        let place = try TemporaryFolder()
        let directory = try Self.write("mistral", in: place.url, changes: ["sliding_window": 24])
        let (file, report) = try Self.export(directory, as: .f32)
        #expect(try GGUFCheckpoint(file: file)["llama.context_length"]?.intValue == 24)
        #expect(
            report.notes.contains { $0.contains("context_length is the window's 24 tokens in place of 128") })
    }

    @Test("what llama.cpp computes otherwise is refused by its field")
    func refusals() throws {
        let place = try TemporaryFolder()
        func expect(_ part: String, _ name: String, _ changes: JSONObject) throws {
            let directory = try Self.write(name, in: place.url, changes: changes)
            let error = #expect(throws: (any Error).self) { try Self.export(directory, as: .f16) }
            #expect("\(error.map { "\($0)" } ?? "")".contains(part), "\(error.map { "\($0)" } ?? "")")
            #expect(
                !FileManager.default.fileExists(atPath: place.url.appending(path: "\(name)-f16.gguf").path))
        }
        try expect("the activation gelu cannot be written", "llama", ["hidden_act": "gelu"])
        try expect("the activation relu", "gpt2", ["activation_function": "relu"])
        try expect("scale_attn_by_inverse_layer_idx", "gpt2", ["scale_attn_by_inverse_layer_idx": true])
        try expect("query_pre_attn_scalar", "gemma3", ["query_pre_attn_scalar": 20])
        try expect(
            "layer 0 has full attention", "gemma3",
            [
                "layer_types": .array(
                    [JSONValue](repeating: "full_attention", count: 2)
                        + [JSONValue](repeating: "sliding_attention", count: 5))
            ])
        try expect(
            "has no place for the tensor 'model.layers.0.self_attn.", "qwen3", ["attention_bias": true])
        try expect("rope_type llama3", "qwen2", ["rope_scaling": ["rope_type": "llama3", "factor": 8.0]])
        try expect(
            "truncate false", "llama",
            ["rope_scaling": ["rope_type": "yarn", "factor": 2.0, "truncate": false]])
    }

    @Test("settings that do not fit, and outputs that are there, are refused")
    func settings() throws {
        let place = try TemporaryFolder()
        let directory = try Self.write("llama", in: place.url)
        func expect(_ part: String, _ change: (inout GGUFExportRequest) -> Void) {
            let error = #expect(throws: DistillationError.self) {
                try Self.export(directory, as: .f16, change)
            }
            #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        }
        expect("ends in .gguf") { $0.output = place.url.appending(path: "model.bin") }
        expect("an importance matrix says where errors count") { $0.calibration = directory }
        expect("is no folder that can be written") { $0.output = place.url.appending(path: "none/x.gguf") }
        let file = place.url.appending(path: "there.gguf")
        try Data("before".utf8).write(to: file)
        expect("is there already") { ($0.output, $0.overwrite) = (file, false) }
        expect("is one of the inputs") { ($0.model, $0.output) = (file, file) }
        // The base of adapters that were merged into the model.
        MergedAdapter.remember(directory, [file])
        expect("is one of the inputs") { $0.output = file }
        #expect(try Data(contentsOf: file) == Data("before".utf8))
        let encoder = #expect(throws: ExportError.self) {
            try Self.export(
                TinyLanguageModel.tokenizer.deletingLastPathComponent().deletingLastPathComponent()
                    .deletingLastPathComponent().appending(path: "TransformersTests/Fixtures/bert-tiny"),
                as: .f16
            ) { $0.output = place.url.appending(path: "b.gguf") }
        }
        #expect(encoder?.description.contains("is an encoder (bert)") == true)
    }

    @Test("a weight that is not finite is named, and nothing is left")
    func nonFinite() throws {
        let place = try TemporaryFolder()
        let directory = try Self.write("llama", in: place.url)
        let file = directory.appending(path: "model.safetensors")
        let checkpoint = try SafetensorsCheckpoint(file: file)
        let name = "model.layers.1.mlp.up_proj.weight"
        let entries = checkpoint.tensors.map { info in
            SafetensorsWriter.Entry(name: info.name, dtype: info.dtype, shape: info.shape) { body in
                var bytes = Array(try checkpoint.bytes(of: info.name))
                if info.name == name {
                    withUnsafeBytes(of: Float.infinity.bitPattern.littleEndian) {
                        bytes.replaceSubrange(4 * 70..<4 * 71, with: $0)
                    }
                }
                try bytes.withUnsafeBytes(body)
            }
        }
        let changed = place.url.appending(path: "changed.safetensors")
        try SafetensorsWriter.write(entries, to: changed)
        try FileManager.default.removeItem(at: file)
        try FileManager.default.moveItem(at: changed, to: file)
        for type in [GGUFOutputType.f32, .q4KM] {
            let error = #expect(throws: ExportError.self) { try Self.export(directory, as: type) }
            #expect(
                error?.description.contains(
                    "tensor '\(name)' holds inf (row 2, column 6 of 'blk.1.ffn_up.weight')")
                    == true, "\(error?.description ?? "")")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.url.path) == ["llama"])
    }

    @Test("an importance matrix of texts is kept, read again, and changes what is written")
    func importance() throws {
        let place = try TemporaryFolder()
        for name in ["llama", "gpt2"] {
            let directory = try Self.write(name, in: place.url)
            let texts = place.url.appending(path: "texts.jsonl")
            try TinyLanguageModel.conversations(to: texts)
            let matrix = place.url.appending(path: "\(name).imatrix.gguf")
            let (file, report) = try Self.export(directory, as: .q40) {
                ($0.calibration, $0.importance, $0.calibrationTokens) = (texts, matrix, 500)
            }
            let first = try Data(contentsOf: file)
            let read = try ImportanceMatrix(contentsOf: matrix)
            #expect(read.entries.count == (name == "gpt2" ? 12 : 21))
            #expect(report.importance?.tensors == read.entries.count)
            let tokens = try #require(report.importance?.tokens)
            #expect(tokens >= 500 && tokens < 600)
            #expect(read.entries.values.allSatisfy { Int($0.count) == tokens })
            // The same matrix from its file gives the same bytes, and none gives others.
            let (_, second) = try Self.export(directory, as: .q40) { $0.importance = matrix }
            #expect(second.importance?.tokens == nil)
            #expect(try Data(contentsOf: file) == first)
            _ = try Self.export(directory, as: .q40)
            #expect(try Data(contentsOf: file) != first)
            try expectSums(read, of: directory, name, texts)
        }
    }

    @Test("a matrix that is written replaces no file that is there, the model's and the texts' least of all")
    func importanceOverFiles() throws {
        let place = try TemporaryFolder()
        let directory = try Self.write("llama", in: place.url)
        let texts = place.url.appending(path: "texts.jsonl")
        try TinyLanguageModel.conversations(to: texts)
        let other = place.url.appending(path: "other.txt")
        try Data("kept".utf8).write(to: other)
        for (file, overwrite, message) in [
            (other, false, "is there already"), (texts, true, "the input"),
            (directory.appending(path: "model.safetensors"), true, "lies in, the input"),
        ] {
            let before = try Data(contentsOf: file)
            let error = #expect(throws: DistillationError.self) {
                try Self.export(directory, as: .q40) {
                    ($0.calibration, $0.importance, $0.overwrite) = (texts, file, overwrite)
                }
            }
            #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
            #expect(try Data(contentsOf: file) == before)
        }
        _ = try Self.export(directory, as: .q40) {
            ($0.calibration, $0.importance, $0.overwrite) = (texts, other, true)
        }
        #expect(try ImportanceMatrix(contentsOf: other).entries.count == 21)
    }

    /// The sums of the first layer, from its input: the normalized embeddings of the texts.
    private func expectSums(
        _ matrix: ImportanceMatrix, of directory: URL, _ name: String, _ texts: URL
    ) throws {
        guard name == "llama" else { return }
        let (query, key, value) = (
            matrix.entries["blk.0.attn_q.weight"], matrix.entries["blk.0.attn_k.weight"],
            matrix.entries["blk.0.attn_v.weight"]
        )
        #expect(query == key && key == value)
        let (model, _) = try AutoModel.load(from: directory)
        let gain = try #require(model.parameters["model.layers.0.input_layernorm.weight"]).array(
            of: Float.self)
        let total = try #require(query).squares.enumerated().reduce(0.0) { sum, pair in
            // Each token's normalized input has a mean square of 1, but for epsilon, before the gain.
            sum + Double(pair.element) / pow(Double(gain[pair.offset]), 2)
        }
        let count = Double(try #require(query).count)
        #expect(abs(total / count / 32 - 1) < 1e-3, "\(total / count / 32)")
    }

    @Test("a GGUF file is exported again, as the directory that it was made of")
    func again() throws {
        let place = try TemporaryFolder()
        for name in ["llama-biases", "gemma3", "gpt2", "llama3"] {
            let directory = try Self.write(name, in: place.url)
            let (file, first) = try Self.export(directory, as: .f32)
            let output = place.url.appending(path: "again.gguf")
            var request = GGUFExportRequest(model: file, output: output)
            (request.type, request.overwrite) = (.f32, true)
            let report = try GGUFExportRun(request).run()
            if name != "gemma3" { #expect(report.sha256 == first.sha256, "\(name)") }
            let (one, other) = (try GGUFCheckpoint(file: file), try GGUFCheckpoint(file: output))
            for (key, value) in one.metadata { #expect(other[key] == value, "\(name): \(key)") }
        }
    }
}
