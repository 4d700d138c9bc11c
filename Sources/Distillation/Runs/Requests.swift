import Datasets
import Foundation
import Torch

/// Where the examples come from and how they are read.
public struct DataRequest: Sendable, Equatable {
    public var train: URL
    /// Where `nil`, a part of the training data that the seed chooses is held back.
    public var validation: URL?
    /// The share of the training data that is held back.
    public var validationSplit = 0.1
    /// Columns; `nil` finds them by their usual names.
    public var textColumn: String?
    public var textPairColumn: String?
    public var labelColumn: String?
    /// Longer inputs are cut to this many tokens.
    public var maxLength = 128

    public init(train: URL, validation: URL? = nil) {
        self.train = train
        self.validation = validation
    }
}

/// What `distill finetune` does: trains a pretrained encoder on labelled examples.
public struct FineTuneRequest: Sendable {
    public var model: URL
    public var data: DataRequest
    public var output: URL
    public var overwrite = false
    /// Whether a head for another number of classes is replaced by a fresh one.
    public var ignoreMismatchedSizes = false
    public var training = TrainingArguments()
    public var device = Device.cpu
    /// What training computes with; models are always judged in float32, and saved in it.
    public var precision = Precision.auto
    public var cache = CacheOptions()
    /// Where curves for TensorBoard and `metrics.jsonl` are written; `nil` for nowhere.
    public var loggingDirectory: URL?

    public init(model: URL, data: DataRequest, output: URL) {
        self.model = model
        self.data = data
        self.output = output
    }
}

/// What `distill run` does: teaches a student from a frozen teacher's softened outputs and the true labels.
public struct DistillRequest: Sendable {
    public var teacher: URL
    public var student = StudentOptions()
    public var data: DataRequest
    public var output: URL
    public var overwrite = false
    /// Divides both sides' logits before the softmax.
    public var temperature = 4.0
    /// The weight of the distillation term; the labels' is 1 − alpha.
    public var alpha = 0.7
    public var training = TrainingArguments()
    public var device = Device.cpu
    /// What training computes with; models are always judged in float32, and saved in it.
    public var precision = Precision.auto
    public var cache = CacheOptions()
    /// Where curves for TensorBoard and `metrics.jsonl` are written; `nil` for nowhere.
    public var loggingDirectory: URL?

    public init(teacher: URL, data: DataRequest, output: URL) {
        self.teacher = teacher
        self.data = data
        self.output = output
    }
}

/// What the student is: a checkpoint, or the teacher's configuration with other sizes.
public struct StudentOptions: Sendable, Equatable, Codable {
    /// How a student made from sizes starts.
    public enum Initialization: String, CaseIterable, Sendable, Codable {
        /// Random weights.
        case random
        /// Embeddings, head and a choice of layers from the teacher; needs the teacher's sizes.
        case teacherLayers = "teacher-layers"
        /// The same, but the most important part of each where the student is narrower than the teacher.
        case narrowed = "narrowed-teacher"
    }

    /// A model directory; excludes all other options.
    public var directory: URL?
    /// `nil` for 6.
    public var layers: Int?
    /// `nil` for 384.
    public var hiddenSize: Int?
    /// `nil` for the teacher's.
    public var intermediateSize: Int?
    /// `nil` for the teacher's; for ``Initialization/narrowed`` as many as leave a head its size, where they divide the
    /// width.
    public var attentionHeads: Int?
    public var initialization = Initialization.random
    /// The teacher's layers that the student starts from; `nil` for evenly spaced ones.
    public var teacherLayers: TeacherLayers?

    public init() {}
}

/// What `distill evaluate` does: judges a model, and a teacher beside it, on labelled examples.
public struct EvaluateRequest: Sendable {
    public var model: URL
    public var teacher: URL?
    public var data: URL
    public var textColumn: String?
    public var textPairColumn: String?
    public var labelColumn: String?
    public var maxLength = 128
    public var batchSize = 64
    /// Single examples timed for the latency figures; 0 for none.
    public var latencySamples = 200
    public var device = Device.cpu
    /// What the models compute with.
    public var precision = Precision.float32
    public var cache = CacheOptions()

    public init(model: URL, data: URL) {
        self.model = model
        self.data = data
    }
}
