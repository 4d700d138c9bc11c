import Foundation
import JSON
import Testing

@testable import Exporters

@Suite("The ONNX file")
struct ONNXGraphTests {
    @Test("inputs, output, operators and versions")
    func outline() throws {
        let model = try TinyModel().onnx(ExportOptions(producerVersion: "9.8.7"))
        #expect(model.graph.input.map(\.name) == ["input_ids", "attention_mask", "token_type_ids"])
        for input in model.graph.input {
            let type = input.type.tensorType
            #expect(type.elemType == Int32(Onnx_TensorProto.DataType.int64.rawValue))
            #expect(type.shape.dim.map(\.dimParam) == ["batch", "sequence"])
        }
        let output = try #require(model.graph.output.first)
        #expect(model.graph.output.count == 1 && output.name == "logits")
        #expect(output.type.tensorType.shape.dim[0].dimParam == "batch")
        #expect(output.type.tensorType.shape.dim[1].dimValue == 3)
        #expect((model.producerName, model.producerVersion) == ("distill", "9.8.7"))
        #expect(model.opsetImport.map(\.version) == [20] && model.irVersion == 9)
        #expect(model.graph.node.allSatisfy { $0.domain.isEmpty }, "only standard operators")
        #expect(
            model.count("LayerNormalization") == 5 && model.count("Gelu") == 2 && model.count("Softmax") == 2)
        #expect(model.count("MatMul") == TinyModel.linears.count + 2 * 2)
    }

    @Test(
        "the file format's version goes with the operators'",
        arguments: [(20, 9), (22, 10), (23, 11), (24, 12), (25, 13)])
    func versions(opset: Int, format: Int64) throws {
        let model = try TinyModel().onnx(ExportOptions(opset: opset))
        #expect(model.opsetImport.map(\.version) == [Int64(opset)] && model.irVersion == format)
    }

    @Test(
        "every name is made once, before it is read, and read by someone",
        arguments: [nil, TinyModel.perToken, TinyModel.perTensor, TinyModel.fixed] as [JSONValue?])
    func names(_ activations: JSONValue?) throws {
        let tiny = activations.map { TinyModel.quantized($0, isStatic: $0 == TinyModel.fixed) } ?? TinyModel()
        let graph = try tiny.onnx().graph
        var known = Set(graph.input.map(\.name))
        for constant in graph.initializer {
            #expect(known.insert(constant.name).inserted, "\(constant.name) is there twice")
        }
        var read: Set<String> = ["logits"]
        for node in graph.node {
            for input in node.input { #expect(known.contains(input), "\(node.name) reads \(input)") }
            for output in node.output { #expect(known.insert(output).inserted, "\(output) is made twice") }
            read.formUnion(node.input)
        }
        #expect(known == read, "made but not read: \(known.subtracting(read).sorted())")
        #expect(Set(graph.node.map(\.name)).count == graph.node.count)
        #expect(known.contains("logits"))
    }

    @Test("weights are the checkpoint's, transposed; sizes fit bytes")
    func weights() throws {
        let tiny = TinyModel()
        let model = try tiny.onnx()
        for constant in model.graph.initializer {
            let bytes = try #require([1: 4, 7: 8, 2: 1, 3: 1][constant.dataType])
            #expect(
                constant.rawData.count == constant.dims.reduce(Int64(bytes), *).intValue, "\(constant.name)")
        }
        for (name, shape) in TinyModel.linears {
            let own = try #require(tiny.tensors[name + ".weight"])
            let values = own.bytes.withUnsafeBytes { FloatBytes.decode($0, as: .float32) }
            let constant = try model.constant(name + ".weight")
            #expect(constant.dims == shape.reversed().map(Int64.init))
            #expect(constant.floats == Transposition.transposed(values, rows: shape[0]))
            #expect(
                [UInt8](try model.constant(name + ".bias").rawData) == tiny.tensors[name + ".bias"]?.bytes)
        }
        let table = "bert.embeddings.word_embeddings.weight"
        #expect([UInt8](try model.constant(table).rawData) == tiny.tensors[table]?.bytes)
    }

    @Test("of the last layer only the first token's part is computed")
    func firstToken() throws {
        let nodes = try TinyModel().onnx().graph.node
        let slices = nodes.filter { $0.opType == "Slice" }.map(\.name)
        #expect(slices == ["bert.embeddings.position_embeddings/Slice", "bert.encoder.layer.1/Slice"])
        let query = try #require(
            nodes.first { $0.name == "bert.encoder.layer.1.attention.self.query/MatMul" })
        #expect(query.input[0] == "bert.encoder.layer.1/Slice")
    }

    @Test("stored half precision is read; names of old checkpoints too")
    func otherCheckpoints() throws {
        var tiny = TinyModel()
        let name = "bert.pooler.dense.weight"
        let values = (0..<16).map { Float($0) / 8 }
        tiny.tensors[name] = .init(values, [4, 4], .bfloat16)
        for norm in tiny.tensors.keys where norm.contains("LayerNorm") {
            let old = norm.replacing("LayerNorm.weight", with: "LayerNorm.gamma")
                .replacing("LayerNorm.bias", with: "LayerNorm.beta")
            tiny.tensors[old] = tiny.tensors.removeValue(forKey: norm)
        }
        for bare in tiny.tensors.keys where bare.hasPrefix("bert.encoder") {
            tiny.tensors[String(bare.dropFirst(5))] = tiny.tensors.removeValue(forKey: bare)
        }
        let model = try tiny.onnx()
        #expect(try model.constant(name).floats == Transposition.transposed(values, rows: 4))
        #expect(model.count("LayerNormalization") == 5)
    }

    @Test("float16: weights of two bytes, float32 scores and logits")
    func half() throws {
        let tiny = TinyModel()
        let model = try tiny.onnx(ExportOptions(dtype: .float16))
        let weight = try model.constant("classifier.weight")
        #expect(
            weight.dataType == Int32(Onnx_TensorProto.DataType.float16.rawValue) && weight.rawData.count == 24
        )
        #expect(try model.constant("float32/lowest").rawData.count == 4)
        let last = try #require(model.graph.node.last)
        #expect(last.opType == "Cast" && last.attribute[0].i == 1 && last.output == ["logits"])
    }

    @Test("the same model gives the same bytes")
    func deterministic() throws {
        #expect(try TinyModel().onnx().serializedData() == TinyModel().onnx().serializedData())
    }

    @Test(
        "every activation is an operator",
        arguments: [
            ("gelu", "Gelu"), ("gelu_new", "Gelu"), ("gelu_pytorch_tanh", "Gelu"), ("relu", "Relu"),
            ("silu", "Sigmoid"), ("swish", "Sigmoid"), ("tanh", "Tanh"), ("sigmoid", "Sigmoid"),
        ])
    func activations(_ name: String, _ operation: String) throws {
        var tiny = TinyModel()
        tiny.configuration["hidden_act"] = .string(name)
        let model = try tiny.onnx()
        #expect(model.count(operation) == (operation == "Tanh" ? 3 : 2))
        let gelu = model.graph.node.first { $0.opType == "Gelu" }
        #expect(gelu?.attribute.isEmpty != name.hasPrefix("gelu_"))
    }
}

extension Int64 {
    fileprivate var intValue: Int { Int(self) }
}
