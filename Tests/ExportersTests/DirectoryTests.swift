import Files
import Foundation
import JSON
import Safetensors
import Testing

@testable import Exporters

@Suite("What is written beside the weights, and the Hugging Face form")
struct DirectoryTests {
    /// Exports a model and opens what was written.
    private func export(
        _ tiny: TinyModel, _ exporter: any ModelExporter, _ options: ExportOptions
    ) throws -> (place: TemporaryDirectory, target: URL) {
        let place = try TemporaryDirectory()
        let (source, target) = (try place.folder("source"), try place.folder("target"))
        try tiny.write(to: source)
        _ = try exporter.export(ExportableModel(directory: source), to: target, options: options)
        return (place, target)
    }

    private func configuration(_ directory: URL) throws -> JSONObject {
        try #require(JSONValue.load(contentsOf: directory.appending(path: "config.json")).objectValue)
    }

    @Test("metadata: labels, problem type, tokenizer, digest")
    func metadata() throws {
        var tiny = TinyModel()
        tiny.files = [
            "tokenizer_config.json":
                #"{"do_lower_case": true, "model_max_length": 6, "cls_token": "[CLS]", "pad_token": {"content": "[PAD]"}}"#,
            "tokenizer.json":
                #"{"added_tokens": [{"id": 0, "content": "[PAD]"}, {"id": 5, "content": "[CLS]"}], "normalizer": null}"#,
        ]
        let metadata = try tiny.onnx().metadata
        #expect(metadata["id2label"] == #"{"0":"no","1":"yes","2":"été"}"#)
        #expect(metadata["problem_type"] == "single_label_classification")
        #expect(metadata["model_type"] == "bert" && metadata["dtype"] == "float32")
        #expect(
            try JSONValue.parse(metadata["tokenizer"] ?? "")
                == [
                    "max_length": 6, "do_lower_case": true, "cls_token": "[CLS]", "cls_token_id": 5,
                    "pad_token": "[PAD]", "pad_token_id": 0,
                ])
        let place = try TemporaryDirectory()
        try tiny.write(to: place.url)
        let digest = try Digest.sha256(ofFile: place.url.appending(path: "model.safetensors"))
        #expect(metadata["source_sha256"] == #"{"model.safetensors":"\#(digest)"}"#)
    }

    @Test("without tokenizer files the model's own limits are given; no limit is the model's")
    func fewFiles() throws {
        var tiny = TinyModel()
        #expect(
            try JSONValue.parse(tiny.onnx().metadata["tokenizer"] ?? "") == [
                "max_length": 8, "pad_token_id": 0,
            ])
        tiny.files["tokenizer_config.json"] = #"{"model_max_length": 1e30}"#
        #expect(try tiny.onnx().metadata["tokenizer"]?.contains(#""max_length":8"#) == true)
    }

    @Test("the tokenizer's files and the card are copied as they are, and nothing else")
    func files() throws {
        var tiny = TinyModel()
        tiny.files = ["vocab.txt": "a\nb\n", "README.md": "# Card\n", "training.json": "{}", "other.txt": ""]
        let options = ExportOptions(tokenizerFiles: ["tokenizer.json", "vocab.txt"])
        for exporter in ExportFormats.standard.exporters {
            let (place, target) = try export(tiny, exporter, options)
            let names = try FileManager.default.contentsOfDirectory(atPath: target.path).sorted()
            let weights =
                ["onnx": "model.onnx", "coreml": "model.mlpackage"][exporter.name] ?? "model.safetensors"
            #expect(names == ["README.md", "config.json", weights, "vocab.txt"])
            #expect(try String(contentsOf: target.appending(path: "vocab.txt"), encoding: .utf8) == "a\nb\n")
            _ = place
        }
    }

    @Test(
        "every tensor in the wanted type, and config.json says so",
        arguments: [ExportDType.float32, .float16, .bfloat16])
    func types(_ dtype: ExportDType) throws {
        var tiny = TinyModel()
        tiny.configuration["torch_dtype"] = "float64"
        tiny.tensors["bert.embeddings.position_ids"] = .init(.int64, [1], [UInt8](repeating: 0, count: 8))
        let (place, target) = try export(tiny, SafetensorsExporter(), ExportOptions(dtype: dtype))
        let file = try SafetensorsFile(contentsOf: target.appending(path: "model.safetensors"))
        let stored: SafetensorsDType = dtype == .float32 ? .float32 : dtype == .float16 ? .float16 : .bfloat16
        #expect(Set(file.tensors.map(\.name)) == Set(tiny.tensors.keys))
        for (name, tensor) in tiny.tensors where tensor.dtype == .float32 {
            let info = try #require(file.info(name))
            #expect(info.dtype == stored && info.shape == tensor.shape)
            let values = tensor.bytes.withUnsafeBytes { FloatBytes.decode($0, as: .float32) }
            #expect([UInt8](try file.bytes(of: name)) == FloatBytes.encode(values, as: stored), "\(name)")
        }
        #expect(file.info("bert.embeddings.position_ids")?.dtype == .int64)
        let written = try configuration(target)
        #expect(written["dtype"] == .string(dtype.rawValue) && written["torch_dtype"] == nil)
        #expect(written["id2label"] == tiny.configuration["id2label"])
        _ = place
    }

    @Test("a quantised model is copied as int8, with its record, or multiplied out")
    func quantized() throws {
        var tiny = TinyModel.quantized(TinyModel.fixed, isStatic: true)
        tiny.files["quantization.json"] = #"{"method": "static"}"#
        let (first, same) = try export(tiny, SafetensorsExporter(), ExportOptions())
        let copy = try SafetensorsFile(contentsOf: same.appending(path: "model.safetensors"))
        for (name, tensor) in tiny.tensors {
            #expect(
                [UInt8](try copy.bytes(of: name)) == tensor.bytes && copy.info(name)?.dtype == tensor.dtype)
        }
        #expect(try configuration(same)["quantization_config"] == tiny.configuration["quantization_config"])
        #expect(FileManager.default.fileExists(atPath: same.appending(path: "quantization.json").path))

        let (second, whole) = try export(tiny, SafetensorsExporter(), ExportOptions(dtype: .float32))
        let file = try SafetensorsFile(contentsOf: whole.appending(path: "model.safetensors"))
        #expect(Set(file.tensors.map(\.name)) == Set(TinyModel().tensors.keys))
        let own = try #require(tiny.tensors["classifier.weight"])
        let expected = own.bytes.enumerated().map { Float(Int8(bitPattern: $1)) * Float($0 / 4 + 1) / 512 }
        #expect(try FloatBytes.decode(file.bytes(of: "classifier.weight"), as: .float32) == expected)
        #expect(try configuration(whole)["quantization_config"] == nil)
        #expect(!FileManager.default.fileExists(atPath: whole.appending(path: "quantization.json").path))
        _ = (first, second)
    }
}
