import JSON
import Testing

@testable import Exporters

@Suite("The ONNX file of a quantised model")
struct QuantizedGraphTests {
    @Test("weights are uint8, 128 above the checkpoint's int8, transposed; the table stays int8")
    func weights() throws {
        let tiny = TinyModel.quantized(TinyModel.perToken)
        let model = try tiny.onnx()
        for (name, shape) in TinyModel.linears {
            let own = try #require(tiny.tensors[name + ".weight"])
            let constant = try model.constant(name + ".weight")
            #expect(constant.dataType == Int32(Onnx_TensorProto.DataType.uint8.rawValue))
            let expected = Transposition.transposed(
                own.bytes.map { UInt8(Int(Int8(bitPattern: $0)) + 128) }, rows: shape[0])
            #expect([UInt8](constant.rawData) == expected, "\(name)")
            let scale = try model.constant(name + ".weight_scale")
            #expect(
                scale.dims == [Int64(shape[0])] && scale.floats == (0..<shape[0]).map { Float($0 + 1) / 512 })
            let zeros = try model.constant("weight_zero_point/\(shape[0])")
            #expect([UInt8](zeros.rawData) == [UInt8](repeating: 128, count: shape[0]))
        }
        let name = "bert.embeddings.word_embeddings.weight"
        let table = try model.constant(name)
        #expect(table.dataType == Int32(Onnx_TensorProto.DataType.int8.rawValue))
        #expect([UInt8](table.rawData) == tiny.tensors[name]?.bytes)
        #expect(model.metadata["dtype"] == "int8")
        #expect(model.metadata["quantization_config"]?.contains("compressed-tensors") == true)
    }

    @Test("per token: an input is quantised once for the three layers that read it")
    func perToken() throws {
        let model = try TinyModel.quantized(TinyModel.perToken).onnx()
        #expect(model.count("MatMulInteger") == TinyModel.linears.count)
        // In the last layer the query reads the first token alone.
        #expect(model.count("Round") == 4 + 5 + 2)
        #expect(model.count("DynamicQuantizeLinear") == 0 && model.count("QuantizeLinear") == 0)
    }

    @Test("per tensor: by the operator that the runtime fuses")
    func perTensor() throws {
        let model = try TinyModel.quantized(TinyModel.perTensor).onnx()
        #expect(model.count("MatMulInteger") == TinyModel.linears.count)
        #expect(model.count("DynamicQuantizeLinear") == 4 + 5 + 2)
    }

    @Test("fixed: quantise and dequantise, by the checkpoint's scale and zero point")
    func fixed() throws {
        let model = try TinyModel.quantized(TinyModel.fixed, isStatic: true).onnx()
        #expect(model.count("QuantizeLinear") == 4 + 5 + 2)
        #expect(model.count("DequantizeLinear") == 2 * TinyModel.linears.count)
        let zeroPoint = try model.constant("classifier.input_zero_point")
        #expect([UInt8](zeroPoint.rawData) == [131] && zeroPoint.dims.isEmpty)
        #expect(try model.constant("classifier.input_scale").floats == [0.05])
    }

    @Test("what was not quantised stays in floating point; dequantised as a whole for float32")
    func mixed() throws {
        var tiny = TinyModel.quantized(TinyModel.perToken)
        let float = TinyModel()
        tiny.tensors["classifier.weight"] = float.tensors["classifier.weight"]
        tiny.tensors["classifier.weight_scale"] = nil
        let model = try tiny.onnx()
        #expect(model.count("MatMulInteger") == TinyModel.linears.count - 1)
        #expect(try model.constant("classifier.weight").rawData.count == 4 * 12)

        let whole = try tiny.onnx(ExportOptions(dtype: .float32))
        #expect(whole.count("MatMulInteger") == 0 && whole.metadata["quantization_config"] == nil)
        let pooler = try #require(tiny.tensors["bert.pooler.dense.weight"])
        let values = pooler.bytes.enumerated().map { Float(Int8(bitPattern: $1)) * Float($0 / 4 + 1) / 512 }
        #expect(
            try whole.constant("bert.pooler.dense.weight").floats == Transposition.transposed(values, rows: 4)
        )
    }
}
