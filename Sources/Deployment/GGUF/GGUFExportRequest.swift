import Distillation
import Exporters
import Foundation

/// The request of `distill export --format gguf`, which writes a language model as one file for llama.cpp.
public struct GGUFExportRequest: Sendable {
    /// A language model: a directory in Hugging Face format, or a GGUF file.
    public var model: URL
    /// The file to write, whose name ends in `.gguf`.
    public var output: URL
    /// The type of the weights.
    public var type = GGUFOutputType.f16
    /// A file of what errors in the columns of matrices count: read, or written where there are ``calibration`` texts.
    public var importance: URL?
    /// Texts of which that is computed: JSON lines or Parquet with messages, with prompt and completion, or with text.
    public var calibration: URL?
    /// The most tokens of these that are read.
    public var calibrationTokens = 65_536
    /// The columns of the texts.
    public var columns = DataColumns()
    /// The most tokens of a piece of text.
    public var pieceLength = 512
    public var overwrite = false

    public init(model: URL, output: URL) { (self.model, self.output) = (model, output) }
}

/// The report of `distill export --format gguf`.
public struct GGUFExportReport: Sendable, Equatable, Codable {
    public var model: String
    /// The file.
    public var output: String
    /// The type of its weights.
    public var type: GGUFOutputType
    public var bytes: Int
    public var sha256: String
    /// The number of tensors and of their bytes of each type, by llama.cpp's names.
    public var types: [String: GGUFExport.Report.Count]
    /// What the texts of the importance matrix were; `nil` without one.
    public var importance: Importance?
    /// Notes for users of the file, in sentences.
    public var notes: [String]
    public var phases: [RunReport.Phase]

    /// An importance matrix.
    public struct Importance: Sendable, Equatable, Codable {
        /// The file, where there is one.
        public var file: String?
        /// The number of tensors that it knows.
        public var tensors: Int
        /// The tokens that were read for it; `nil` where it came from a file.
        public var tokens: Int?
    }
}
