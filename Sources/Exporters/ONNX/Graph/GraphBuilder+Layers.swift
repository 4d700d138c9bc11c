import Architectures
import Safetensors

extension GraphBuilder {
    /// In floating point or, where its weights are int8, with integer arithmetic.
    func linear(
        _ x: Value, _ module: String, shape: [Int], of model: ExportableModel, _ dtype: ExportDType
    ) throws -> Value {
        if dtype == .int8, model.isQuantized(module) {
            return linear(x, module, try model.quantizedLinear(module, shape: shape))
        }
        // As (in, out), which the runtime prepacks once when it loads the model.
        let weight = try constant(
            module + ".weight",
            try model.isQuantized(module)
                ? model.dequantized(module, shape: shape, as: float, transposed: true)
                : model.tensor(module + ".weight", shape: shape, as: float, transposed: true))
        let product = node("MatMul", [x, weight], in: module)
        guard model.info(module + ".bias") != nil else { return product }
        let bias = try constant(
            module + ".bias", try model.tensor(module + ".bias", shape: [shape[0]], as: float))
        return node("Add", [product, bias], in: module)
    }

    func rows(
        of module: String, _ choice: RowChoice, shape: [Int], of model: ExportableModel,
        _ dtype: ExportDType
    ) throws -> Value {
        let name = module + ".weight"
        guard model.isQuantized(module) else {
            return rows(
                try constant(name, try model.tensor(name, shape: shape, as: float)), choice, in: module)
        }
        guard dtype == .int8 else {
            return rows(
                try constant(name, try model.dequantized(module, shape: shape, as: float)), choice, in: module
            )
        }
        // An int8 table stays int8 in the file and in memory: rows and their scales are looked up, then multiplied.
        let table = try model.quantizedTable(module, shape: shape)
        let taken = rows(constant(name, table.rows), choice, in: module)
        let scales = rows(constant(module + ".weight_scale", table.scales), choice, in: module)
        let numbers = node("Cast", [taken], in: module, ["to": .dtype(float)])
        return node("Mul", [numbers, scales], in: module)
    }

    private func rows(_ table: Value, _ choice: RowChoice, in module: String) -> Value {
        switch choice {
        case .at(let indices): return node("Gather", [table, indices], in: module)
        case .zero: return node("Gather", [table, integers([0])], in: module)
        case .all: return table
        case .first(let ids, let name):
            let length = node("Shape", [ids], in: name, ["start": .int(1), "end": .int(2)])
            let zero = integers([0])
            return node("Slice", [table, zero, length, zero], in: module)
        }
    }

    /// Its mean and variance are float32.
    func layerNorm(
        _ x: Value, _ module: String, _ norm: NormShape, of model: ExportableModel
    ) throws -> Value {
        let scale = try constant(
            module + ".weight", try model.tensor(module + ".weight", shape: [norm.width], as: float))
        var inputs = [x, scale]
        if norm.hasBias {
            inputs.append(
                try constant(
                    module + ".bias", try model.tensor(module + ".bias", shape: [norm.width], as: float)))
        }
        return node(
            "LayerNormalization", inputs, in: module,
            ["axis": .int(-1), "epsilon": .float(Float(norm.epsilon))])
    }

    func activation(_ name: ActivationName, _ x: Value, in module: String) -> Value {
        switch name {
        case .gelu: node("Gelu", [x], in: module)
        case .geluNew, .geluTanh: node("Gelu", [x], in: module, ["approximate": .string("tanh")])
        case .relu: node("Relu", [x], in: module)
        case .tanh: node("Tanh", [x], in: module)
        case .sigmoid: node("Sigmoid", [x], in: module)
        case .silu, .swish: node("Mul", [x, node("Sigmoid", [x], in: module)], in: module)
        }
    }
}

extension Attribute {
    /// Returns the attribute for the target type of a cast.
    static func dtype(_ dtype: SafetensorsDType) -> Attribute { .int(dtype.onnx.rawValue) }
}

extension SafetensorsDType {
    /// ONNX's number for this type.
    var onnx: Onnx_TensorProto.DataType {
        switch self {
        case .float32: .float
        case .float16: .float16
        case .bfloat16: .bfloat16
        case .float64: .double
        case .int8: .int8
        case .uint8: .uint8
        case .int32: .int32
        case .int64: .int64
        case .bool: .bool
        default: .undefined
        }
    }
}
