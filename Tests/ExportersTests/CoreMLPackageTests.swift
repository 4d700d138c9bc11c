import Files
import Foundation
import JSON
import Safetensors
import SwiftProtobuf
import Testing

@testable import Exporters

@Suite("The Core ML package")
struct CoreMLPackageTests {
    @Test("inputs of free length, outputs by the task, names of classes, metadata")
    func description() throws {
        var tiny = TinyModel()
        tiny.files["README.md"] = "---\nlicense: mit\n---\n# A model\n"
        let model = try tiny.coreML().model
        #expect(model.specificationVersion == 7)
        let description = model.description_p
        #expect(description.input.map(\.name) == ["input_ids", "attention_mask", "token_type_ids"])
        for input in description.input {
            let type = input.type.multiArrayType
            #expect(type.dataType == .int32 && type.shape == [1, 8])
            #expect(type.shapeRange.sizeRanges.map(\.upperBound) == [1, 8])
        }
        #expect(description.output.map(\.name) == ["classLabel", "classLabel_probs", "logits"])
        #expect(description.output[2].type.multiArrayType.shape == [1, 3])
        #expect(description.predictedFeatureName == "classLabel")
        let metadata = description.metadata
        #expect(metadata.license == "mit" && metadata.author == "distill")
        #expect(metadata.shortDescription == "Sequence classification with BERT: no, yes, été")
        #expect(metadata.userDefined["id2label"] == #"{"0":"no","1":"yes","2":"été"}"#)

        tiny.configuration["problem_type"] = "multi_label_classification"
        let several = try tiny.coreML().model.description_p
        #expect(several.output.map(\.name) == ["logits"] && several.predictedFeatureName.isEmpty)
    }

    @Test("the program: every name is made once, before it is read, and has the type that is stated")
    func program() throws {
        for dtype in [ExportDType.float32, .float16] {
            let model = try TinyModel().coreML(dtype).model
            let function = try #require(model.mlProgram.functions["main"])
            #expect(function.opset == "CoreML6" && model.mlProgram.version == 1)
            let block = try #require(function.blockSpecializations["CoreML6"])
            var known = Set(function.inputs.map(\.name))
            for operation in block.operations {
                for binding in operation.inputs.values.flatMap(\.arguments)
                where binding.binding == .name(binding.name) {
                    #expect(known.contains(binding.name), "\(operation.type) reads \(binding.name)")
                }
                for output in operation.outputs {
                    #expect(known.insert(output.name).inserted, "\(output.name) is made twice")
                    let plain = output.name.allSatisfy {
                        $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")
                    }
                    #expect(plain, "\(output.name)")
                }
            }
            #expect(Set(block.outputs).isSubset(of: known))
            let types = block.operations.map(\.type)
            #expect(types.count { $0 == "linear" } == TinyModel.linears.count)
            #expect(types.count { $0 == "layer_norm" } == 5 && types.last == "classify")
            let logits = try #require(
                block.operations.flatMap(\.outputs).first { $0.name == "logits" }?.type.tensorType)
            #expect(logits.dataType == .float32 && logits.dimensions.map(\.constant.size) == [1, 3])
        }
    }

    @Test("constants are where the program says, from multiples of 64 bytes on")
    func blobs() throws {
        let tiny = TinyModel()
        let (model, weights) = try tiny.coreML(.float32)
        let block = try #require(model.mlProgram.functions["main"]?.blockSpecializations["CoreML6"])
        func word(_ place: Int) -> UInt32 {
            weights[place..<place + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        }
        let files = block.operations.compactMap { operation in
            operation.attributes["val"].flatMap { value in
                value.blobFileValue.fileName.isEmpty ? nil : (operation.outputs[0].name, value)
            }
        }
        #expect(word(0) == UInt32(files.count) && word(4) == 2)
        for (name, value) in files {
            let place = Int(value.blobFileValue.offset)
            #expect(value.blobFileValue.fileName == "@model_path/weights/weight.bin")
            #expect(place % 64 == 0 && word(place) == 0xDEAD_BEEF && word(place + 4) == 2)
            let count = value.type.tensorType.dimensions.reduce(4) { $0 * Int($1.constant.size) }
            #expect(word(place + 8) == UInt32(count) && word(place + 16) == UInt32(place + 64))
            if name.hasPrefix("bert_encoder_layer_1_intermediate_dense_weight") {
                let own = try #require(tiny.tensors["bert.encoder.layer.1.intermediate.dense.weight"])
                #expect(Array(weights[place + 64..<place + 64 + count]) == own.bytes)
            }
        }
    }

    @Test("int8 weights stay int8, with the scales of their rows")
    func int8() throws {
        let model = try TinyModel.quantized(TinyModel.perToken).coreML().model
        let block = try #require(model.mlProgram.functions["main"]?.blockSpecializations["CoreML6"])
        let matrices = block.operations.filter { $0.type == "constexpr_affine_dequantize" }
        #expect(matrices.count == TinyModel.linears.count + 1)
        for matrix in matrices {
            let rows = try #require(matrix.attributes["quantized_data"]).type.tensorType
            let scales = try #require(matrix.attributes["scale"]).type.tensorType
            #expect(rows.dataType == .int8 && scales.dataType == .float16)
            #expect(scales.dimensions == [rows.dimensions[0]])
        }
    }

    @Test("the same model gives the same bytes; the manifest names both items")
    func files() throws {
        let place = try TemporaryDirectory()
        let first = try TinyModel().coreMLPackage(in: place, "first")
        let second = try TinyModel().coreMLPackage(in: place, "second")
        for name in ["Manifest.json", "Data/com.apple.CoreML/model.mlmodel"] {
            #expect(
                try Data(contentsOf: first.appending(path: name))
                    == Data(contentsOf: second.appending(path: name)))
        }
        let manifest = try JSONValue.load(contentsOf: first.appending(path: "Manifest.json")).objectValue
        let items = try #require(manifest?["itemInfoEntries"]?.objectValue)
        #expect(items.count == 2)
        let root = try #require(manifest?["rootModelIdentifier"]?.stringValue)
        #expect(items[root]?.objectValue?["path"] == "com.apple.CoreML/model.mlmodel")
        for (_, item) in items {
            let path = try #require(item.objectValue?["path"]?.stringValue)
            #expect(FileManager.default.fileExists(atPath: first.appending(path: "Data/\(path)").path))
        }
    }

    @Test("what it lacks is refused; MLX's libraries need no format")
    func refusals() throws {
        let text = try TinyModel().refusal(CoreMLExporter(), ExportOptions(dtype: .bfloat16))
        #expect(text == "the format coreml is not written in bfloat16; choose float16, float32, int8")
        let error = #expect(throws: ExportError.self) { try ExportFormats.standard.named("mlx") }
        #expect(error?.description.contains("MLX's libraries read Hugging Face directories") == true)
        var large = TinyModel()
        large.tensors["classifier.weight"] = .init([Float](repeating: 1e6, count: 12), [3, 4])
        #expect(try large.refusal(CoreMLExporter()).contains("tensor 'classifier.weight' holds"))
    }
}

extension TinyModel {
    /// Writes it somewhere, exports it, and gives the package.
    func coreMLPackage(
        in place: TemporaryDirectory, _ name: String, _ dtype: ExportDType? = nil
    ) throws -> URL {
        let (source, target) = (try place.folder("source"), try place.folder(name))
        try write(to: source)
        _ = try CoreMLExporter().export(
            ExportableModel(directory: source), to: target, options: ExportOptions(dtype: dtype))
        return target.appending(path: "model.mlpackage")
    }

    /// The specification and the constants of what was written.
    func coreML(_ dtype: ExportDType? = nil) throws -> (model: CoreML_Model, weights: [UInt8]) {
        let place = try TemporaryDirectory()
        let data = try coreMLPackage(in: place, "target", dtype).appending(path: "Data/com.apple.CoreML")
        return (
            try CoreML_Model(
                serializedBytes: [UInt8](Data(contentsOf: data.appending(path: "model.mlmodel")))),
            [UInt8](try Data(contentsOf: data.appending(path: "weights/weight.bin")))
        )
    }
}
