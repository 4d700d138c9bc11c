import Files
import Foundation
import JSON
import Safetensors

/// An exporter of model directories in Hugging Face format, with the weights in another type.
public struct SafetensorsExporter: ModelExporter {
    public let name = "safetensors"
    public let summary = "for Hugging Face's libraries"
    public let dtypes: [ExportDType] = [.float32, .float16, .bfloat16, .int8]

    public init() {}

    public func export(
        _ model: ExportableModel, to directory: URL, options: ExportOptions
    ) throws -> ExportedModel {
        let dtype = try dtype(for: model, options)
        let entries = try model.entries(as: dtype).map { name, data in
            SafetensorsWriter.Entry(name: name, dtype: data.dtype, shape: data.shape) {
                try data.withBytes($0)
            }
        }
        try SafetensorsWriter.writeSharded(entries, toDirectory: directory)
        var configuration = model.configuration.original
        // Older configurations call it torch_dtype.
        configuration["torch_dtype"] = nil
        if dtype != .int8 {
            configuration["dtype"] = .string(dtype.rawValue)
            configuration["quantization_config"] = nil
        }
        let text = JSONValue.object(configuration).serialized(pretty: true, sortedKeys: true)
        try AtomicFile.write(text + "\n", to: directory.appending(path: "config.json"))
        let record = dtype == .int8 ? ["quantization.json"] : []
        try model.copy(options.tokenizerFiles + ["README.md"] + record, to: directory)
        try model.copyModules(to: directory)
        return ExportedModel(dtype: dtype, opset: nil, notes: [])
    }
}

extension ExportableModel {
    /// Returns every tensor as it is saved, in the checkpoint's order: floating point in the requested type,
    /// quantized weights dequantized unless int8 is requested, everything else unchanged.
    fileprivate func entries(as dtype: ExportDType) throws -> [(name: String, data: TensorData)] {
        let names = Dictionary(storedNames.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
        let float: SafetensorsDType =
            switch dtype {
            case .float16: .float16
            case .bfloat16: .bfloat16
            case .float32, .int8: .float32
            }
        return try checkpoint.tensors.compactMap { info in
            let name = names[info.name] ?? info.name
            if dtype != .int8 {
                if let module = module(of: name, ".weight"), isQuantized(module) {
                    guard info.shape.count == 2 else {
                        throw ExportError(
                            "\(path): tensor '\(info.name)' is int8 and has the shape \(info.shape); it must be (out, in)"
                        )
                    }
                    return (info.name, try dequantized(module, shape: info.shape, as: float))
                }
                if isQuantizationData(name) { return nil }
                if FloatBytes.types.contains(info.dtype) { return (info.name, converted(info, as: float)) }
            }
            return (
                info.name,
                TensorData(info.dtype, info.shape) { [checkpoint] body in
                    try body(checkpoint.bytes(of: info.name))
                }
            )
        }
    }

    private func module(of name: String, _ suffix: String) -> String? {
        name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : nil
    }

    /// Returns true if a tensor belongs to a quantized module's quantization data.
    private func isQuantizationData(_ name: String) -> Bool {
        [".weight_scale", ".input_scale", ".input_zero_point"].contains { suffix in
            module(of: name, suffix).map(isQuantized) ?? false
        }
    }
}
