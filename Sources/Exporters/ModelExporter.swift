import Files
import Foundation

/// An exporter of models in one format.
///
/// To add a format, add a conforming type, and an entry in ``ExportFormats/standard``.
public protocol ModelExporter: Sendable {
    /// Its name in `--format`.
    var name: String { get }

    /// A short description of its purpose.
    var summary: String { get }

    /// The types that it can write, the default first.
    var dtypes: [ExportDType] { get }

    /// Writes a model.
    ///
    /// - Parameters:
    ///   - model: The model to write.
    ///   - directory: The target; it exists and is empty, and its contents are discarded on an error.
    ///   - options: The options of the export.
    /// - Returns: A description of the exported model.
    /// - Throws: ``ExportError`` where the format does not support something that the model needs;
    ///   `SafetensorsError` where the model is damaged; `FileError` where the disk is full.
    func export(
        _ model: ExportableModel, to directory: URL, options: ExportOptions
    ) throws -> ExportedModel
}

/// The options of an export.
public struct ExportOptions: Sendable, Equatable {
    /// The type of the weights; `nil` for int8 where the model is quantized, else the format's first.
    public var dtype: ExportDType?
    /// The version of ONNX's operators; `nil` for the oldest that can be written, which most runtimes open.
    public var opset: Int?
    /// The version of the exporting program, for the file's metadata.
    public var producerVersion: String
    /// The names of tokenizer files, which are copied where they exist.
    public var tokenizerFiles: [String]
    /// The number of tokens that texts are truncated to, for the file's metadata; `nil` for the tokenizer's
    /// own.
    public var maxLength: Int?

    /// - Parameters:
    ///   - dtype: The type of the weights; `nil` for int8 where the model is quantized, else the format's first.
    ///   - opset: The version of ONNX's operators; `nil` for the oldest that can be written, which most runtimes open.
    ///   - producerVersion: The version of the exporting program.
    ///   - tokenizerFiles: The names of tokenizer files, which are copied where they exist.
    public init(
        dtype: ExportDType? = nil, opset: Int? = nil, producerVersion: String = "",
        tokenizerFiles: [String] = []
    ) {
        self.dtype = dtype
        self.opset = opset
        self.producerVersion = producerVersion
        self.tokenizerFiles = tokenizerFiles
    }
}

/// The result of an export.
public struct ExportedModel: Sendable, Equatable {
    /// The type of the weights.
    public let dtype: ExportDType
    /// The version of ONNX's operators, where there are some.
    public let opset: Int?
    /// Notes for users of the file, in sentences.
    public let notes: [String]
}

/// The type of an exported model's weights.
public enum ExportDType: String, CaseIterable, Sendable, Codable {
    case float32
    case float16
    case bfloat16
    /// The model's own quantization: linear layers and embeddings in int8, everything else in float32.
    case int8
}
