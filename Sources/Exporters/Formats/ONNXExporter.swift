import Files
import Foundation

/// An exporter of `model.onnx` for ONNX Runtime and other readers of the format, with `config.json` and the
/// tokenizer's files.
public struct ONNXExporter: ModelExporter {
    public let name = "onnx"
    public let summary = "for ONNX Runtime"
    public let dtypes: [ExportDType] = [.float32, .float16, .int8]

    /// The name of the file.
    public static let fileName = "model.onnx"

    /// The versions of ONNX's operators (opsets) that can be written: from the first with Gelu to the newest
    /// that ONNX Runtime 1.32 implements as a whole (of 28, it lacks QuantizeLinear).
    public static let opsets = 20...27

    public init() {}

    public func export(
        _ model: ExportableModel, to directory: URL, options: ExportOptions
    ) throws -> ExportedModel {
        let dtype = try dtype(for: model, options)
        // They do not differ in the operators used here, and the most runtimes open the oldest.
        let opset = options.opset ?? Self.opsets.lowerBound
        guard Self.opsets.contains(opset) else {
            throw ExportError(
                "opset must be from \(Self.opsets.lowerBound) to \(Self.opsets.upperBound), got \(opset)")
        }
        let encoder = try EncoderGraph.of(model, format: name)
        let builder = GraphBuilder(float: dtype == .float16 ? .float16 : .float32, opset: opset)
        try encoder.build(ModelGraph(graph: builder, model: model, dtype: dtype))

        var proto = Onnx_ModelProto()
        proto.irVersion = Self.irVersion(opset)
        proto.producerName = "distill"
        proto.producerVersion = options.producerVersion
        var operators = Onnx_OperatorSetIdProto()
        operators.domain = ""
        operators.version = Int64(opset)
        proto.opsetImport = [operators]
        proto.metadataProps = try ONNXMetadata.entries(model, dtype, maxLength: options.maxLength).map {
            key, value in
            var entry = Onnx_StringStringEntryProto()
            (entry.key, entry.value) = (key, value)
            return entry
        }
        try ONNXModelWriter(
            model: proto, graph: builder.graph(named: model.configuration.modelType),
            constants: builder.constants
        )
        .write(to: directory.appending(path: Self.fileName))
        try model.writeConfiguration(to: directory)
        try model.copy(options.tokenizerFiles + ["README.md"], to: directory)
        return ExportedModel(dtype: dtype, opset: opset, notes: notes(model, dtype))
    }

    private func notes(_ model: ExportableModel, _ dtype: ExportDType) -> [String] {
        guard dtype == .int8, model.configuration.quantization?.activations == .perTensor else { return [] }
        return [
            "Activations are quantised by one range for all tokens of a batch, padding included, so an answer can "
                + "depend a little on the texts beside it."
        ]
    }

    /// Returns the version of the file format that belongs to a version of the operators (ONNX,
    /// `docs/Versioning.md`).
    private static func irVersion(_ opset: Int) -> Int64 {
        switch opset {
        case ...20: 9
        case ...22: 10
        case 23: 11
        case 24: 12
        default: 13
        }
    }
}
