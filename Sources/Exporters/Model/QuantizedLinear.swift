import Safetensors

/// A quantized linear layer: y = dequantize(quantize(x) · Wᵀ) + b.
struct QuantizedLinear {
    /// The weight transposed, (in, out), as uint8: int8 + 128. See ``weightZeroPoint``.
    let weight: TensorData
    /// (out)
    let weightScale: TensorData
    /// (out); `nil` where the layer has none.
    let bias: TensorData?
    let activations: Activations

    /// The quantization of its input.
    enum Activations: Equatable {
        case perToken
        case perTensor
        /// q = clamp(round(x / scale) + zeroPoint, 0, 255): the checkpoint's int8 zero point + 128.
        case fixed(scale: Float, zeroPoint: UInt8)
    }

    /// The zero point of all weights.
    ///
    /// The checkpoint's int8 weights with zero point 0 are written as uint8 with zero point 128, which are the same
    /// numbers. ONNX Runtime's kernel for uint8 · int8 adds pairs of products in 16 bits where the processor has AVX2 but
    /// no VNNI, and saturates; its kernel for uint8 · uint8 does not, and with VNNI both take the same path.
    static let weightZeroPoint: UInt8 = 128
}

extension ExportableModel {
    /// Reads a quantized linear layer.
    ///
    /// - Parameters:
    ///   - module: The module's name.
    ///   - shape: The shape of its weight, (out, in).
    /// - Throws: ``ExportError`` where a tensor is missing, or has another shape or type.
    func quantizedLinear(_ module: String, shape: [Int]) throws -> QuantizedLinear {
        let info = try info(module + ".weight", shape: shape)
        let bias = module + ".bias"
        return QuantizedLinear(
            weight: TensorData(.uint8, shape.reversed()) { [checkpoint] body in
                let values = try checkpoint.bytes(of: info.name).map { $0 ^ 0x80 }  // int8 + 128
                try Transposition.transposed(values, rows: shape[0]).withUnsafeBytes(body)
            },
            weightScale: .floats(try weightScales(module, rows: shape[0]), [shape[0]]),
            bias: self.info(bias) == nil ? nil : try tensor(bias, shape: [shape[0]], as: .float32),
            activations: try activations(module))
    }

    private func activations(_ module: String) throws -> QuantizedLinear.Activations {
        if info(module + ".input_scale") != nil { return try fixedActivations(module) }
        switch configuration.quantization?.activations {
        case .perToken: return .perToken
        case .perTensor: return .perTensor
        case .fixed:
            throw ExportError(
                "\(path): the tensor '\(module).input_scale' is missing, though config.json says that activations are "
                    + "quantised with fixed scales; quantise the model again")
        case nil:
            throw ExportError(
                "\(path): '\(module)' is int8, but config.json has no \"quantization_config\" that says how its input "
                    + "is quantised; quantise the model again")
        }
    }

    private func fixedActivations(_ module: String) throws -> QuantizedLinear.Activations {
        let scale = try floats(module + ".input_scale", shape: [1])[0]
        guard scale.isFinite, scale > 0 else {
            throw ExportError(
                "\(path): tensor '\(module).input_scale' is \(scale); it must be above 0: quantise the model again"
            )
        }
        var zeroPoint: Int8 = 0
        if info(module + ".input_zero_point") != nil {
            let info = try info(module + ".input_zero_point", shape: [1])
            guard info.dtype == .int8 else {
                throw ExportError(
                    "\(path): tensor '\(info.name)' has the type \(info.dtype.rawValue); a zero point is I8")
            }
            zeroPoint = Int8(bitPattern: try checkpoint.bytes(of: info.name)[0])
        }
        return .fixed(scale: scale, zeroPoint: UInt8(bitPattern: zeroPoint) ^ 0x80)
    }

    /// Returns the rows of a quantized table and their scales: int8 (rows, width) and float32 (rows, 1).
    ///
    /// - Parameters:
    ///   - module: The module's name.
    ///   - shape: The shape of its weight, (rows, width).
    /// - Throws: ``ExportError`` where a tensor is missing, or has another shape or type.
    func quantizedTable(_ module: String, shape: [Int]) throws -> (rows: TensorData, scales: TensorData) {
        let info = try info(module + ".weight", shape: shape)
        return (
            TensorData(.int8, shape) { [checkpoint] body in try body(checkpoint.bytes(of: info.name)) },
            .floats(try weightScales(module, rows: shape[0]), [shape[0], 1])
        )
    }
}
