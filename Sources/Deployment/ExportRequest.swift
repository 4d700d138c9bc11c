import Datasets
import Distillation
import Exporters
import Foundation

/// What `distill export` does: writes a model in a format of another runtime.
public struct ExportRequest: Sendable {
    /// A model directory in Hugging Face format.
    public var model: URL
    public var output: URL
    /// One of ``formats``, by its name.
    public var format = "onnx"
    /// The type of the weights; `nil` for int8 where the model is quantised, else float32.
    public var dtype: ExportDType?
    /// The version of ONNX's operators; `nil` for the newest that ONNX Runtime implements.
    public var opset: Int?
    public var overwrite = false
    /// Whether the exported model is run and compared with this package's own.
    public var check = true
    /// Labelled examples on which both are judged; `nil` for none.
    public var data: URL?
    /// How they are read.
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

/// What `distill export` did.
public struct ExportReport: Sendable, Equatable, Codable {
    public var model: String
    /// Where the exported model is.
    public var output: String
    public var format: String
    /// The type of its weights.
    public var dtype: ExportDType
    /// The version of ONNX's operators, where the format has them.
    public var opset: Int?
    /// The files of the directory, by name.
    public var files: [File]
    /// The size of the model's own weights and of the exported ones.
    public var sourceBytes: Int
    public var bytes: Int
    /// How the exported model compares; `nil` where that was left out.
    public var check: ExportCheck?
    /// Why the comparison was left out.
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
    /// What ran the exported model, with its version.
    public var runtime: String
    /// How many examples both classified.
    public var examples: Int
    /// The largest difference between two logits.
    public var largestDifference: Double
    /// The root of the mean square of all differences, as a share of that of the logits.
    public var relativeDifference: Double
    /// The share of examples with the same answer; `nil` for regression.
    public var agreement: Double?
    /// Both judged on the data, where there is some: accuracy, or Pearson's correlation for regression.
    public var data: DataRecord?
    public var metric: String?
    public var exported: Double?
    public var own: Double?
}
