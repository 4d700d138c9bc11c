import Architectures
import Files
import Foundation
import JSON

/// An exporter of `model.mlpackage`, a Core ML program for iOS 16, macOS 13 and newer, with `config.json` and the tokenizer's
/// files.
public struct CoreMLExporter: ModelExporter {
    public let name = "coreml"
    public let summary = "for Apple's Core ML"
    public let dtypes: [ExportDType] = [.float16, .float32, .int8]

    /// The version of the specification, and the operators that it brings.
    private static let specification: Int32 = 7
    private static let operators = "CoreML6"

    public init() {}

    public func export(
        _ model: ExportableModel, to directory: URL, options: ExportOptions
    ) throws -> ExportedModel {
        let dtype = try dtype(for: model, options)
        let encoder = try EncoderGraph.of(model, format: name)
        // Inputs of int8 weights are float16, which the neural engine computes in.
        let builder = MILBuilder(float: dtype == .float32 ? .float32 : .float16)
        try encoder.build(ModelGraph(graph: builder, model: model, dtype: dtype))

        var function = MIL_Function()
        function.inputs = builder.inputs
        function.opset = Self.operators
        function.blockSpecializations[Self.operators] = MIL_Block.with {
            $0.operations = builder.operations
            $0.outputs = builder.outputs
        }
        var proto = CoreML_Model()
        proto.specificationVersion = Self.specification
        proto.description_p = try CoreMLDescription.make(builder, model, dtype, options)
        proto.mlProgram.version = 1
        proto.mlProgram.functions["main"] = function
        try CoreMLPackage.write(proto, builder.blobs, to: directory)
        try model.writeConfiguration(to: directory)
        try model.copy(options.tokenizerFiles + ["README.md"], to: directory)
        return ExportedModel(dtype: dtype, opset: nil, notes: notes(dtype))
    }

    private func notes(_ dtype: ExportDType) -> [String] {
        guard dtype == .int8 else { return [] }
        return [
            "Weights are int8, inputs float16: activations are not quantised, other than in the model itself."
        ]
    }
}
