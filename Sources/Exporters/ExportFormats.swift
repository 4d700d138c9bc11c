/// The known export formats.
public struct ExportFormats: Sendable {
    /// The exporters, in the order in which they are listed.
    public let exporters: [any ModelExporter]

    /// - Parameter exporters: The known formats, each with a unique name.
    public init(_ exporters: [any ModelExporter]) { self.exporters = exporters }

    /// The formats of `distill export`.
    public static let standard = ExportFormats([ONNXExporter(), SafetensorsExporter()])

    /// Returns the exporter of that name.
    ///
    /// - Throws: ``ExportError``, which lists the known ones.
    public func named(_ name: String) throws -> any ModelExporter {
        guard let exporter = exporters.first(where: { $0.name == name }) else {
            let known = exporters.map(\.name).joined(separator: ", ")
            throw ExportError("there is no format '\(name)'; choose one of \(known)")
        }
        return exporter
    }
}

extension ModelExporter {
    /// Returns the type to write a model in.
    ///
    /// - Throws: ``ExportError`` where the format does not have it, or the model is not quantized and should
    ///   be.
    func dtype(for model: ExportableModel, _ options: ExportOptions) throws -> ExportDType {
        let dtype = options.dtype ?? (model.isQuantized ? .int8 : .float32)
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
