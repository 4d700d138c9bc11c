import Datasets
import Distillation
import Exporters
import Foundation

/// The request of `distill export`, which writes a model in a format of another runtime.
public struct ExportRequest: Sendable {
    /// A model directory in Hugging Face format.
    public var model: URL
    public var output: URL
    /// One of ``formats``, by its name.
    public var format = "onnx"
    /// The type of the weights; `nil` for int8 where the model is quantized, else the format's: float32, of Core ML float16.
    public var dtype: ExportDType?
    /// The version of ONNX's operators; `nil` for the newest that ONNX Runtime implements.
    public var opset: Int?
    public var overwrite = false
    /// True if the exported model is run and compared with this package's own.
    public var check = true
    /// Labeled examples on which both are evaluated; `nil` for none.
    public var data: URL?
    /// The columns and format of the data.
    public var columns = DataColumns()
    /// Longer inputs are cut to this many tokens; `nil` for the length that the model was trained with, or the tokenizer's.
    public var maxLength: Int?
    /// Examples in one forward pass.
    public var batchSize = 64
    /// The Python that has onnxruntime; `nil` for `DISTILL_PYTHON`, else `python3`.
    public var python: URL?
    /// The formats to choose from: to add one of your own.
    public var formats = ExportFormats.standard
    public var cache = CacheOptions()

    public init(model: URL, output: URL) {
        self.model = model
        self.output = output
    }
}

/// The report of `distill export`.
public struct ExportReport: Sendable, Equatable, Codable {
    public var model: String
    /// The directory of the exported model.
    public var output: String
    public var format: String
    /// The type of its weights.
    public var dtype: ExportDType
    /// The version of ONNX's operators, where the format has them.
    public var opset: Int?
    /// The files of the directory, by their paths in it.
    public var files: [File]
    /// The size of the model's own weights and of the exported ones.
    public var sourceBytes: Int
    public var bytes: Int
    /// The comparison with the exported model; `nil` where it was left out.
    public var check: ExportCheck?
    /// The reason why the comparison was left out.
    public var checkLeftOut: String?
    public var phases: [RunReport.Phase]

    /// A file that was written.
    public struct File: Sendable, Equatable, Codable {
        public var name: String
        public var bytes: Int
        public var sha256: String
    }
}

/// An exported model beside this package's own, on the same tokens.
public struct ExportCheck: Sendable, Equatable, Codable {
    /// The runtime that ran the exported model, with its version.
    public var runtime: String
    /// The number of examples that both classified.
    public var examples: Int
    /// The largest difference between two logits.
    public var largestDifference: Double
    /// The root of the mean square of all differences, as a fraction of that of the logits.
    public var relativeDifference: Double
    /// The fraction of examples with the same prediction; `nil` for regression.
    public var agreement: Double?
    /// The evaluation of both on the data, where there is some: accuracy, or Pearson's correlation for regression.
    public var data: DataRecord?
    public var metric: String?
    public var exported: Double?
    public var own: Double?
}
