import Architectures
import Files
import Foundation
import JSON
import Safetensors
import Testing

@testable import Exporters

@Suite("What cannot be exported is refused in one line that says what to do")
struct RefusalTests {
    @Test("an activation that is not known")
    func activation() throws {
        var tiny = TinyModel()
        tiny.configuration["hidden_act"] = "gelu_10"
        let text = try tiny.refusal()
        #expect(text.contains("config.json: \"hidden_act\" must be one of gelu, gelu_new"))
    }

    @Test("int8 of a model that is not quantised", arguments: ExportFormats.standard.exporters.map(\.name))
    func notQuantized(_ format: String) throws {
        let exporter = try ExportFormats.standard.named(format)
        let text = try TinyModel().refusal(exporter, ExportOptions(dtype: .int8))
        #expect(text.contains("quantise it first: distill quantize --model /"))
    }

    @Test("a type that the format lacks, an unknown format, an operator version that is not known")
    func options() throws {
        #expect(
            try TinyModel().refusal(ONNXExporter(), ExportOptions(dtype: .bfloat16))
                == "the format onnx is not written in bfloat16; choose float32, float16, int8")
        #expect(
            try TinyModel().refusal(ONNXExporter(), ExportOptions(opset: 28))
                == "opset must be from 20 to 27, got 28")
        let error = #expect(throws: ExportError.self) { try ExportFormats.standard.named("tflite") }
        #expect(error?.description == "there is no format 'tflite'; choose one of onnx, coreml, safetensors")
    }

    @Test("another family, and a model that is no classifier")
    func otherModels() throws {
        var unknown = TinyModel()
        unknown.configuration["model_type"] = "t5"
        #expect(try unknown.refusal().contains("\"t5\" of \"model_type\" is not supported; use a model of"))
        // A language model's checkpoint has its head, but no graph.
        var other = TinyModel()
        other.configuration["model_type"] = "llama"
        other.configuration["architectures"] = ["LlamaForCausalLM"]
        other.configuration["hidden_act"] = "silu"
        other.tensors["lm_head.weight"] = .init([Float](repeating: 0, count: 36), [9, 4])
        let text = try other.refusal()
        #expect(
            text.contains("the architecture llama has no graph in the format onnx; known: bert,"), "\(text)")
        var headless = TinyModel()
        headless.tensors["classifier.weight"] = nil
        headless.tensors["classifier.bias"] = nil
        #expect(try headless.refusal().contains("is not a classifier"))
        #expect(try headless.refusal(SafetensorsExporter()).contains("distill finetune"))
    }

    @Test("numbers beyond float16")
    func overflow() throws {
        for value: Float in [65504.1, -1e9, .infinity, .nan] {
            var tiny = TinyModel()
            tiny.tensors["classifier.weight"] = .init([Float](repeating: 1, count: 11) + [value], [3, 4])
            // 65504.1 is 65504.1015625 as a float32, and already beyond.
            let text = try tiny.refusal(ONNXExporter(), ExportOptions(dtype: .float16))
            #expect(text.contains("tensor 'classifier.weight' holds"), "\(text)")
            #expect(try tiny.refusal(SafetensorsExporter(), ExportOptions(dtype: .float16)).contains("65504"))
        }
    }

    @Test("a file above protobuf's limit; nothing is left of it")
    func tooLarge() throws {
        let place = try TemporaryDirectory()
        let file = place.url.appending(path: "model.onnx")
        // A tensor of 3 GB whose bytes nobody asks for.
        let data = TensorData(.float32, [750, 1_000_000]) { _ in Issue.record("the bytes were asked for") }
        let writer = ONNXModelWriter(
            model: Onnx_ModelProto(), graph: Onnx_GraphProto(), constants: [.init(name: "table", data: data)])
        let error = #expect(throws: ExportError.self) { try writer.write(to: file) }
        let text = "\(error?.description ?? "")"
        #expect(
            text.contains("the file would have 30000000")
                && text.contains("protobuf allows 2147483647 (2 GB)"), "\(text)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.url.path).isEmpty)
    }

    @Test("the limit is that of the file's own size")
    func limit() throws {
        let place = try TemporaryDirectory()
        let file = place.url.appending(path: "model.onnx")
        var graph = Onnx_GraphProto()
        graph.name = "g"
        let data = TensorData.floats([Float](repeating: 1, count: 300), [300])
        let writer = ONNXModelWriter(
            model: Onnx_ModelProto(), graph: graph, constants: [.init(name: "table", data: data)])
        try writer.write(to: file)
        let size = try MappedFile(file).count
        try writer.write(to: file, limit: size)
        #expect(throws: ExportError.self) { try writer.write(to: file, limit: size - 1) }
    }

    @Test("every tensor that is missing, or has another shape or type, is named")
    func tensors() throws {
        for tiny in [TinyModel(), TinyModel.quantized(TinyModel.fixed, isStatic: true)] {
            for name in tiny.tensors.keys.sorted()
            where !name.hasSuffix(".bias") || name.contains("LayerNorm") {
                // A zero point may be missing: it is 0 then. Without its range, a layer's input is not quantised as it says.
                if !name.hasSuffix("input_zero_point") {
                    var without = tiny
                    without.tensors[name] = nil
                    if name == "classifier.weight" { without.tensors["classifier.bias"] = nil }
                    let text = try without.refusal()
                    let isHead = name == "classifier.weight" && text.contains("is not a classifier")
                    #expect(isHead || text.contains("'\(name)'"), "\(name): \(text)")
                }
                var longer = tiny
                let shape = tiny.tensors[name]?.shape ?? []
                longer.tensors[name]?.shape = [1] + shape
                #expect(try longer.refusal().contains("'\(name)' has the shape [1, "), "\(name)")
                var other = tiny
                let count = shape.reduce(1, *)
                other.tensors[name] = .init(.int16, shape, [UInt8](repeating: 0, count: 2 * count))
                #expect(try other.refusal().contains("has the type I16"), "\(name)")
            }
        }
    }

    @Test("scales that cannot be")
    func scales() throws {
        for value: Float in [-1, .nan, .infinity] {
            var tiny = TinyModel.quantized(TinyModel.fixed, isStatic: true)
            tiny.tensors["classifier.input_scale"] = .init([value], [1])
            #expect(try tiny.refusal().contains("classifier.input_scale"))
            tiny = .quantized(TinyModel.perToken)
            tiny.tensors["classifier.weight_scale"] = .init([1, value, 1], [3, 1])
            #expect(try tiny.refusal().contains("classifier.weight_scale"))
        }
    }

    @Test("a configuration that contradicts itself or the convention names the field")
    func configuration() throws {
        let cases: [(String, JSONValue)] = [
            ("vocab_size", "9"), ("hidden_size", 0), ("num_hidden_layers", 1.5), ("num_attention_heads", 3),
            ("intermediate_size", -1), ("max_position_embeddings", []), ("type_vocab_size", 1e12),
            ("layer_norm_eps", "small"), ("hidden_act", 3), ("position_embedding_type", "relative_key"),
            ("id2label", ["1": "a"]), ("id2label", ["0": []]), ("id2label", 5), ("problem_type", "ranking"),
            ("model_type", 4), ("quantization_config", "int8"),
            ("quantization_config", ["quant_method": "gptq"]),
            (
                "quantization_config",
                [
                    "quant_method": "compressed-tensors", "format": "int-quantized",
                    "config_groups": [
                        "g": [
                            "targets": ["Linear"], "weights": TinyModel.int8,
                            "input_activations": ["num_bits": 4],
                        ]
                    ],
                ]
            ),
            (
                "quantization_config",
                [
                    "quant_method": "compressed-tensors", "format": "int-quantized",
                    "config_groups": [
                        "g": [
                            "targets": ["Linear"], "weights": TinyModel.int8,
                            "input_activations": [
                                "num_bits": 8, "type": "int", "dynamic": true, "strategy": "group",
                            ],
                        ]
                    ],
                ]
            ),
        ]
        for (key, value) in cases {
            var tiny = TinyModel()
            tiny.configuration[key] = value
            let text = try tiny.refusal()
            #expect(text.contains("config.json: ") && text.contains("\"\(key)"), "\(text)")
        }
        var silent = TinyModel.quantized(TinyModel.perToken)
        silent.configuration["quantization_config"] = nil
        #expect(try silent.refusal().contains("quantization_config"))
    }

    @Test("directories that are none, or hold no model")
    func directories() throws {
        let place = try TemporaryDirectory()
        let missing = place.url.appending(path: "missing")
        #expect(throws: FileError.missing(missing.plainPath)) { try ExportableModel(directory: missing) }
        let file = place.url.appending(path: "file")
        try Data().write(to: file)
        #expect(throws: FileError.notADirectory(file.plainPath)) { try ExportableModel(directory: file) }
        let empty = try place.folder("empty")
        let error = #expect(throws: ArchitectureError.self) { try ExportableModel(directory: empty) }
        #expect(error?.description.contains("has no config.json") == true)
        try Data("{}".utf8).write(to: empty.appending(path: "config.json"))
        #expect(throws: ArchitectureError.self) { try ExportableModel(directory: empty) }
        try Data("[]".utf8).write(to: empty.appending(path: "config.json"))
        #expect(throws: ArchitectureError.self) { try ExportableModel(directory: empty) }
        try Data(#"{"model_type": "bert"}"#.utf8).write(to: empty.appending(path: "config.json"))
        #expect(throws: SafetensorsError.self) { try ExportableModel(directory: empty) }
    }

    @Test("damaged files end in an error or in a whole model, never in a crash")
    func damage() throws {
        let place = try TemporaryDirectory()
        let source = try place.folder("source")
        try TinyModel.quantized(TinyModel.perToken).write(to: source)
        var state: UInt64 = 11
        func below(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        var refused = 0
        for round in 0..<300 {
            let name = round % 2 == 0 ? "config.json" : "model.safetensors"
            let file = source.appending(path: name)
            let whole = try Data(contentsOf: file)
            var damaged = whole
            switch round / 2 % 3 {
            case 0: damaged = damaged.prefix(below(damaged.count))
            case 1: damaged[below(min(damaged.count, 4000))] = UInt8(below(256))
            default: damaged.insert(UInt8(below(256)), at: below(min(damaged.count, 4000)))
            }
            try damaged.write(to: file)
            let target = try place.folder("target-\(round)")
            do {
                _ = try ONNXExporter().export(
                    ExportableModel(directory: source), to: target, options: ExportOptions())
                _ = try Onnx_ModelProto(
                    serializedBytes: [UInt8](Data(contentsOf: target.appending(path: "model.onnx"))))
            } catch {
                refused += 1
                #expect(
                    error is ExportError || error is ArchitectureError || error is SafetensorsError
                        || error is JSONError || error is FileError,
                    "\(type(of: error)): \(error)")
                #expect(!"\(error)".contains("\n"))
            }
            try whole.write(to: file)
        }
        #expect(refused > 150, "\(refused)")
    }
}
