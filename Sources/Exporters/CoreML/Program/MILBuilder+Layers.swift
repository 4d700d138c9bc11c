import Architectures
import Safetensors

extension MILBuilder {
    /// With int8 weights and inputs in floating point where the model is exported in int8.
    func linear(
        _ x: GraphValue, _ module: String, shape: [Int], of model: ExportableModel, _ dtype: ExportDType
    ) throws -> GraphValue {
        let weight = try matrix(module, shape: shape, of: model, dtype)
        let name = module + ".bias"
        let bias = try constant(
            name,
            try model.info(name) == nil
                ? .floats([Float](repeating: 0, count: shape[0]), [shape[0]], as: tensorType)
                : model.tensor(name, shape: [shape[0]], as: tensorType))
        let kind = Kind(dtype: float, shape: self.kind(x).shape.dropLast() + [shape[0]])
        return operation(
            "linear", ["x": .value(x), "weight": .value(weight), "bias": .value(bias)], kind, in: module)
    }

    func rows(
        of module: String, _ choice: RowChoice, shape: [Int], of model: ExportableModel,
        _ dtype: ExportDType
    ) throws -> GraphValue {
        let table = try matrix(module, shape: shape, of: model, dtype)
        switch choice {
        case .all: return table
        case .at(let indices): return gather(table, indices, in: module)
        case .zero:
            let zero = constant("zero", .ints([0], shape: [1, 1]), Kind(dtype: .int32, shape: [1, 1]))
            return gather(table, zero, in: module)
        case .first(let ids, let name): return gather(table, counted(ids, in: name), in: module)
        }
    }

    func layerNorm(
        _ x: GraphValue, _ module: String, _ norm: NormShape, of model: ExportableModel
    ) throws -> GraphValue {
        let (weight, bias) = (module + ".weight", module + ".bias")
        let gamma = try constant(weight, try model.tensor(weight, shape: [norm.width], as: tensorType))
        let beta = try constant(
            bias,
            try norm.hasBias
                ? model.tensor(bias, shape: [norm.width], as: tensorType)
                : .floats([Float](repeating: 0, count: norm.width), [norm.width], as: tensorType))
        // The least that a float16 can hold as a normal number is 6e-5; less would be rounded, and 1e-12 would be 0.
        let epsilon = float == .float16 ? max(Float(norm.epsilon), 0x1p-23) : Float(norm.epsilon)
        return operation(
            "layer_norm",
            [
                "x": .value(x), "axes": .ints([-1]), "gamma": .value(gamma), "beta": .value(beta),
                "epsilon": .float(epsilon, float),
            ], kind(x), in: module)
    }

    func activation(_ name: ActivationName, _ x: GraphValue, in module: String) -> GraphValue {
        func plain(_ type: String) -> GraphValue {
            operation(type, ["x": .value(x)], kind(x), in: module)
        }
        func gelu(_ mode: String) -> GraphValue {
            operation("gelu", ["x": .value(x), "mode": .string(mode)], kind(x), in: module)
        }
        switch name {
        case .gelu: return gelu("EXACT")
        case .geluNew, .geluTanh: return gelu("TANH_APPROXIMATION")
        case .relu: return plain("relu")
        case .tanh: return plain("tanh")
        case .sigmoid: return plain("sigmoid")
        case .silu, .swish: return plain("silu")
        }
    }

    /// Returns a weight (rows, width), in int8 with a scale for each row where it is exported so.
    private func matrix(
        _ module: String, shape: [Int], of model: ExportableModel, _ dtype: ExportDType
    ) throws -> GraphValue {
        let name = module + ".weight"
        guard model.isQuantized(module) else {
            return try constant(name, try model.tensor(name, shape: shape, as: tensorType))
        }
        guard dtype == .int8 else {
            return try constant(name, try model.dequantized(module, shape: shape, as: tensorType))
        }
        let table = try model.quantizedTable(module, shape: shape)
        let scales = try model.weightScales(module, rows: shape[0])
        return try dequantized(
            name, rows: table.rows, scales: .floats(scales, [shape[0]], as: tensorType))
    }

    private func gather(_ table: GraphValue, _ indices: GraphValue, in module: String) -> GraphValue {
        let found = kind(table)
        return operation(
            "gather",
            ["x": .value(table), "indices": .value(indices), "axis": .int(0), "batch_dims": .int(0)],
            Kind(dtype: found.dtype, shape: kind(indices).shape + found.shape.dropFirst()), in: module)
    }

    func elements(of list: GraphValue, at indices: GraphValue, in module: String) -> GraphValue {
        gather(list, indices, in: module)
    }
}
