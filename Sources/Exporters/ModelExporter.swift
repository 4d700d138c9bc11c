import Foundation

/// Writes models in one format.
///
/// A further format is one more type that conforms, and one more entry in ``ExportFormats/standard``.
public protocol ModelExporter: Sendable {
    /// What `--format` calls it.
    var name: String { get }

    /// What it is for, in a few words.
    var summary: String { get }

    /// The types that it can write, the usual one first.
    var dtypes: [ExportDType] { get }

    /// Writes a model.
    ///
    /// - Parameters:
    ///   - model: What is written.
    ///   - directory: Where to write; it exists and is empty, and its contents are thrown away on an error.
    ///   - options: How to write it.
    /// - Returns: What was written.
    /// - Throws: ``ExportError`` where the format lacks something that the model needs; `SafetensorsError` where the model is
    ///   damaged; `FileError` where the disk is full.
    func export(
        _ model: ExportableModel, to directory: URL, options: ExportOptions
    ) throws -> ExportedModel
}

/// What an exporter is asked for.
public struct ExportOptions: Sendable, Equatable {
    /// The type of the weights; `nil` for int8 where the model is quantised, else float32.
    public var dtype: ExportDType?
    /// The version of ONNX's operators; `nil` for the oldest that can be written, which most runtimes open.
    public var opset: Int?
    /// The version of the program that exports, for the file's metadata.
    public var producerVersion: String
    /// The names of tokenizer files, to be copied where they are there.
    public var tokenizerFiles: [String]
    /// The tokens that texts are cut to, for the file's metadata; `nil` for the tokenizer's own.
    public var maxLength: Int?

    /// - Parameters:
    ///   - dtype: The type of the weights; `nil` for int8 where the model is quantised, else float32.
    ///   - opset: The version of ONNX's operators; `nil` for the oldest that can be written, which most runtimes open.
    ///   - producerVersion: The version of the program that exports.
    ///   - tokenizerFiles: The names of tokenizer files, to be copied where they are there.
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

/// What an exporter wrote.
public struct ExportedModel: Sendable, Equatable {
    /// The type of the weights.
    public let dtype: ExportDType
    /// The version of ONNX's operators, where there are some.
    public let opset: Int?
    /// What whoever uses the file should know, in sentences.
    public let notes: [String]
}

/// The type of an exported model's weights.
public enum ExportDType: String, CaseIterable, Sendable, Codable {
    case float32
    case float16
    case bfloat16
    /// As the model was quantised: linear layers and embeddings in int8, everything else in float32.
    case int8
}
