import Foundation
import Safetensors

extension ExportableModel {
    /// Returns the checkpoint's entry for a parameter, by the model's name.
    func info(_ name: String) -> TensorInfo? {
        if let (checkpoint, stored) = module(of: name) { return checkpoint.info(stored) }
        return storedNames[name].flatMap { checkpoint.info($0) }
    }

    /// The checkpoint of a module that has one of its own, and the parameter's name there.
    private func module(of name: String) -> (checkpoint: SafetensorsCheckpoint, stored: String)? {
        for (prefix, checkpoint) in modules where name.hasPrefix(prefix) {
            return (checkpoint, String(name.dropFirst(prefix.count)))
        }
        return nil
    }

    /// Returns the checkpoint's entry for a parameter of a required shape.
    ///
    /// - Throws: ``ExportError`` where there is none, or its shape is not the configuration's.
    func info(_ name: String, shape: [Int]) throws -> TensorInfo {
        guard let info = info(name) else {
            throw ExportError(
                "\(path): the tensor '\(name)' is missing; take the whole checkpoint, or train the model first"
            )
        }
        guard info.shape == shape else {
            throw ExportError(
                "\(path): tensor '\(info.name)' has the shape \(info.shape), the configuration needs \(shape); "
                    + "use the config.json that belongs to these weights")
        }
        return info
    }

    /// Returns the elements of a floating-point parameter.
    ///
    /// - Throws: ``ExportError`` where it is missing, has another shape or is not floating point.
    func floats(_ name: String, shape: [Int]) throws -> [Float] {
        let info = try info(name, shape: shape)
        try requireFloat(info)
        let source = module(of: name)?.checkpoint ?? checkpoint
        return FloatBytes.decode(try source.bytes(of: info.name), as: info.dtype)
    }

    /// Returns a floating-point parameter in another type.
    ///
    /// - Parameters:
    ///   - name: The model's name of the parameter.
    ///   - shape: The required shape.
    ///   - dtype: The type to give it.
    ///   - transposed: True to transpose (m, n) to (n, m).
    /// - Throws: ``ExportError``; for numbers beyond float16 only when the bytes are requested.
    func tensor(
        _ name: String, shape: [Int], as dtype: SafetensorsDType, transposed: Bool = false
    ) throws -> TensorData {
        let info = try info(name, shape: shape)
        try requireFloat(info)
        return converted(
            info, as: dtype, transposed: transposed, from: module(of: name)?.checkpoint ?? checkpoint)
    }

    /// Returns the same for a tensor whose entry is known.
    ///
    /// - Parameter source: The checkpoint that has it; `nil` for the model's own.
    func converted(
        _ info: TensorInfo, as dtype: SafetensorsDType, transposed: Bool = false,
        from source: SafetensorsCheckpoint? = nil
    ) -> TensorData {
        let shape = transposed ? info.shape.reversed() : info.shape
        return TensorData(dtype, shape) { [checkpoint = source ?? checkpoint, path] body in
            let bytes = try checkpoint.bytes(of: info.name)
            if info.dtype == dtype, !transposed { return try body(bytes) }
            var values = FloatBytes.decode(bytes, as: info.dtype)
            if dtype == .float16 { try Self.checkHalf(values, info.name, path) }
            if transposed { values = Transposition.transposed(values, rows: info.shape[0]) }
            try FloatBytes.encode(values, as: dtype).withUnsafeBytes(body)
        }
    }

    /// Returns a quantized weight in a floating-point type: int8 · scale.
    ///
    /// - Parameters:
    ///   - module: The module's name.
    ///   - shape: The shape of its weight, (out, in).
    ///   - dtype: The type to give it.
    ///   - transposed: True to transpose it to (in, out).
    /// - Throws: ``ExportError`` where the weight or scale is missing or has another shape.
    func dequantized(
        _ module: String, shape: [Int], as dtype: SafetensorsDType, transposed: Bool = false
    ) throws -> TensorData {
        let info = try info(module + ".weight", shape: shape)
        let scales = try weightScales(module, rows: shape[0])
        return TensorData(dtype, transposed ? shape.reversed() : shape) { [checkpoint, path] body in
            let columns = shape[1]
            let bytes = try checkpoint.bytes(of: info.name)
            var values = [Float](unsafeUninitializedCapacity: bytes.count) { buffer, count in
                count = bytes.count
                for index in 0..<count {
                    buffer[index] = Float(Int8(bitPattern: bytes[index])) * scales[index / columns]
                }
            }
            if dtype == .float16 { try Self.checkHalf(values, info.name, path) }
            if transposed { values = Transposition.transposed(values, rows: shape[0]) }
            try FloatBytes.encode(values, as: dtype).withUnsafeBytes(body)
        }
    }

    /// Returns true if a module's weight is int8.
    func isQuantized(_ module: String) -> Bool { info(module + ".weight")?.dtype == .int8 }

    /// Returns the scales of a quantized weight's rows.
    func weightScales(_ module: String, rows: Int) throws -> [Float] {
        let scales = try floats(module + ".weight_scale", shape: [rows, 1])
        guard scales.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
            throw ExportError(
                "\(path): tensor '\(module).weight_scale' holds a scale that is negative or not a number; "
                    + "quantise the model again")
        }
        return scales
    }

    private func requireFloat(_ info: TensorInfo) throws {
        guard FloatBytes.types.contains(info.dtype) else {
            throw ExportError(
                "\(path): tensor '\(info.name)' has the type \(info.dtype.rawValue); weights must be F32, F16, BF16 or "
                    + "F64, or I8 with a '_scale' beside them")
        }
    }

    static func checkHalf(_ values: [Float], _ name: String, _ path: String) throws {
        guard let large = values.first(where: { !($0.magnitude <= FloatBytes.largestHalf) }) else { return }
        throw ExportError(
            "\(path): tensor '\(name)' holds \(large), which float16 cannot hold (its largest number is 65504); "
                + "choose float32 or bfloat16")
    }
}

/// Transposition of matrices.
enum Transposition {
    /// - Parameters:
    ///   - values: (rows, columns), row by row.
    ///   - rows: The number of rows.
    /// - Returns: (columns, rows)
    static func transposed<Value>(_ values: [Value], rows: Int) -> [Value] {
        guard rows > 0, !values.isEmpty else { return values }
        let columns = values.count / rows
        return [Value](unsafeUninitializedCapacity: values.count) { buffer, count in
            count = rows * columns
            values.withUnsafeBufferPointer { source in
                guard let target = buffer.baseAddress else { return }
                for column in 0..<columns {
                    for row in 0..<rows {
                        (target + column * rows + row).initialize(to: source[row * columns + column])
                    }
                }
            }
        }
    }
}
