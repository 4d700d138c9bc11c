/// The known export formats.
public struct ExportFormats: Sendable {
    /// The exporters, in the order in which they are listed.
    public let exporters: [any ModelExporter]

    /// - Parameter exporters: The known formats, each with a unique name.
    public init(_ exporters: [any ModelExporter]) { self.exporters = exporters }

    /// The formats of `distill export`.
    public static let standard = ExportFormats([ONNXExporter(), CoreMLExporter(), SafetensorsExporter()])

    /// Returns the exporter of that name.
    ///
    /// - Throws: ``ExportError``, which lists the known ones.
    public func named(_ name: String) throws -> any ModelExporter {
        guard name != "mlx" else {
            throw ExportError(
                "there is no format 'mlx': MLX's libraries read Hugging Face directories, which every model here already is; give them "
                    + "the directory itself, or one of --format safetensors where it is quantized or another type is wanted. "
                    + "docs/export.md says which models they know")
        }
        guard name != "gguf" else {
            throw ExportError(
                "the format 'gguf' is one file of a language model, not a directory; it is GGUFExport's (GGUFExportRun), and the command's "
                    + "`distill export --format gguf --output FILE.gguf`")
        }
        guard let exporter = exporters.first(where: { $0.name == name }) else {
            let known = exporters.map(\.name).joined(separator: ", ")
            throw ExportError("there is no format '\(name)'; choose one of \(known)")
        }
        return exporter
    }
}

extension ModelExporter {
    /// Returns the type to write a model in where none is asked for: int8 of a quantized model, else the format's first.
    ///
    /// - Parameter model: The model to write.
    public func defaultDType(for model: ExportableModel) -> ExportDType {
        model.isQuantized ? .int8 : dtypes.first ?? .float32
    }

    /// Returns the type to write a model in.
    ///
    /// - Throws: ``ExportError`` where the format does not have it, or the model is not quantized and should
    ///   be.
    func dtype(for model: ExportableModel, _ options: ExportOptions) throws -> ExportDType {
        let dtype = options.dtype ?? defaultDType(for: model)
        guard dtypes.contains(dtype) else {
            throw ExportError(
                "the format \(name) is not written in \(dtype.rawValue); choose "
                    + dtypes.map(\.rawValue).joined(separator: ", "))
        }
        guard dtype != .int8 || model.isQuantized else {
            throw ExportError(
                "\(model.path): the model is not quantised, so it cannot be exported in int8; quantise it first: "
                    + "distill quantize --model \(model.path)")
        }
        return dtype
    }
}
