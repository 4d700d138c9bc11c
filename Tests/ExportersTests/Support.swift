import Files
import Foundation
import JSON
import Safetensors
import SwiftProtobuf
import Testing

@testable import Exporters

/// A BERT classifier small enough to look at: width 4, two heads, and whatever a test changes.
struct TinyModel {
    struct Tensor {
        var dtype: SafetensorsDType
        var shape: [Int]
        var bytes: [UInt8]

        init(_ dtype: SafetensorsDType, _ shape: [Int], _ bytes: [UInt8]) {
            (self.dtype, self.shape, self.bytes) = (dtype, shape, bytes)
        }

        init(_ values: [Float], _ shape: [Int], _ dtype: SafetensorsDType = .float32) {
            self.init(dtype, shape, FloatBytes.encode(values, as: dtype))
        }
    }

    var configuration: JSONObject = [
        "model_type": "bert", "architectures": ["BertForSequenceClassification"], "vocab_size": 9,
        "hidden_size": 4,
        "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 6,
        "max_position_embeddings": 8,
        "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12, "dtype": "float32",
        "pad_token_id": 0, "id2label": ["0": "no", "1": "yes", "2": "été"],
        "problem_type": "single_label_classification",
    ]
    var tensors: [String: Tensor] = [:]
    var files: [String: String] = [:]

    /// The names of the linear layers, and their weights' shapes.
    static let linears: [(name: String, shape: [Int])] =
        (0..<2).flatMap { index in
            let layer = "bert.encoder.layer.\(index)"
            return [
                (layer + ".attention.self.query", [4, 4]), (layer + ".attention.self.key", [4, 4]),
                (layer + ".attention.self.value", [4, 4]), (layer + ".attention.output.dense", [4, 4]),
                (layer + ".intermediate.dense", [6, 4]), (layer + ".output.dense", [4, 6]),
            ]
        } + [("bert.pooler.dense", [4, 4]), ("classifier", [3, 4])]

    init() {
        var state: UInt64 = 7
        func numbers(_ count: Int) -> [Float] {
            (0..<count).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Float(Int(state >> 40) % 2001 - 1000) / 1000
            }
        }
        func add(_ name: String, _ shape: [Int]) {
            tensors[name] = Tensor(numbers(shape.reduce(1, *)), shape)
        }
        for (name, rows) in [("word", 9), ("position", 8), ("token_type", 2)] {
            add("bert.embeddings.\(name)_embeddings.weight", [rows, 4])
        }
        let norms =
            ["bert.embeddings"]
            + (0..<2).flatMap {
                ["bert.encoder.layer.\($0).attention.output", "bert.encoder.layer.\($0).output"]
            }
        for norm in norms {
            add(norm + ".LayerNorm.weight", [4])
            add(norm + ".LayerNorm.bias", [4])
        }
        for (name, shape) in Self.linears {
            add(name + ".weight", shape)
            add(name + ".bias", [shape[0]])
        }
    }

    /// Makes all linear layers and the word table int8, with some input scheme.
    ///
    /// - Parameter activations: As in `config_groups`; a static scheme gets a scale of 0.05 and a zero point of 3.
    static func quantized(_ activations: JSONValue, isStatic: Bool = false) -> TinyModel {
        var model = TinyModel()
        let names = linears.map(\.name) + ["bert.embeddings.word_embeddings"]
        for (index, name) in names.enumerated() {
            guard let weight = model.tensors[name + ".weight"] else { continue }
            let bytes = weight.bytes.indices.filter { $0 % 4 == 0 }.map {
                UInt8(truncatingIfNeeded: $0 &* 37 &+ index)
            }
            model.tensors[name + ".weight"] = Tensor(.int8, weight.shape, bytes)
            let scales = (0..<weight.shape[0]).map { Float($0 + 1) / 512 }
            model.tensors[name + ".weight_scale"] = Tensor(scales, [weight.shape[0], 1])
            guard isStatic, index < linears.count else { continue }
            model.tensors[name + ".input_scale"] = Tensor([0.05], [1])
            model.tensors[name + ".input_zero_point"] = Tensor(.int8, [1], [3])
        }
        model.configuration["quantization_config"] = [
            "quant_method": "compressed-tensors", "format": "int-quantized",
            "config_groups": [
                "group_0": [
                    "targets": ["Linear"], "weights": int8, "input_activations": activations,
                ],
                "group_1": ["targets": ["Embedding"], "weights": int8, "input_activations": nil],
            ],
        ]
        return model
    }

    static let int8: JSONValue = [
        "num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel", "dynamic": false,
    ]
    static let perToken: JSONValue = ["num_bits": 8, "type": "int", "strategy": "token", "dynamic": true]
    static let perTensor: JSONValue = ["num_bits": 8, "type": "int", "strategy": "tensor", "dynamic": true]
    static let fixed: JSONValue = ["num_bits": 8, "type": "int", "strategy": "tensor", "dynamic": false]

    func write(to directory: URL) throws {
        let entries = tensors.sorted { $0.key < $1.key }.map { name, tensor in
            SafetensorsWriter.Entry(name: name, dtype: tensor.dtype, shape: tensor.shape, bytes: tensor.bytes)
        }
        try SafetensorsWriter.writeSharded(entries, toDirectory: directory)
        try Data(JSONValue.object(configuration).serialized().utf8)
            .write(to: directory.appending(path: "config.json"))
        for (name, text) in files { try Data(text.utf8).write(to: directory.appending(path: name)) }
    }

    /// Writes it somewhere, exports it, and gives the ONNX model that was written.
    func onnx(_ options: ExportOptions = ExportOptions()) throws -> Onnx_ModelProto {
        let place = try TemporaryDirectory()
        let (source, target) = (try place.folder("source"), try place.folder("target"))
        try write(to: source)
        _ = try ONNXExporter().export(ExportableModel(directory: source), to: target, options: options)
        return try Onnx_ModelProto(
            serializedBytes: [UInt8](Data(contentsOf: target.appending(path: "model.onnx"))))
    }

    /// The error that exporting it ends with, in one line.
    func refusal(
        _ exporter: any ModelExporter = ONNXExporter(), _ options: ExportOptions = ExportOptions()
    ) throws -> String {
        let place = try TemporaryDirectory()
        let (source, target) = (try place.folder("source"), try place.folder("target"))
        try write(to: source)
        let error = #expect(throws: (any Error).self) {
            try exporter.export(ExportableModel(directory: source), to: target, options: options)
        }
        let text = error.map { "\($0)" } ?? ""
        #expect(!text.contains("\n"), "\(text)")
        return text
    }
}

/// A directory that goes with its owner.
final class TemporaryDirectory {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appending(path: "distill-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    func folder(_ name: String) throws -> URL {
        let folder = url.appending(path: name)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    deinit { try? FileManager.default.removeItem(at: url) }
}

extension Onnx_ModelProto {
    func constant(_ name: String) throws -> Onnx_TensorProto {
        try #require(graph.initializer.first { $0.name == name }, "\(graph.initializer.map(\.name))")
    }

    var metadata: [String: String] {
        Dictionary(metadataProps.map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    func count(_ operation: String) -> Int { graph.node.count { $0.opType == operation } }
}

extension Onnx_TensorProto {
    var floats: [Float] { Array(rawData).withUnsafeBytes { FloatBytes.decode($0, as: .float32) } }
}
