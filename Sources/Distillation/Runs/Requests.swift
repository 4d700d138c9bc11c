import Datasets
import Foundation
import Torch
import Transformers

/// Where the examples come from and how they are read.
public struct DataRequest: Sendable, Equatable {
    public var train: URL
    /// Where `nil`, a part of the training data that the seed chooses is held back.
    public var validation: URL?
    /// The share of the training data that is held back.
    public var validationSplit = 0.1
    /// How the files are read.
    public var columns = DataColumns()
    /// What the labels are; `nil` for the teacher's, or, without one, several labels where JSON arrays are the labels, else
    /// one of several classes.
    public var problemType: TaskIdentifier?
    /// Which tokens a model of words is trained at; it is evaluated at the words' first tokens.
    public var rowUnit = RowUnit.words
    /// Files of texts that are trained on without labels, beside the training data; labels in them are not read.
    public var unlabelled: [URL] = []
    /// Longer inputs are cut to this many tokens; `nil` for the length that the model was trained with, or the tokenizer's.
    public var maxLength: Int?

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
    /// The most examples in each list of the report; 0 keeps all texts out of it.
    public var reportExamples = 20
    /// What the model card says that the run cannot know.
    public var card = ModelCardOptions()

    public init(model: URL, data: DataRequest, output: URL) {
        self.model = model
        self.data = data
        self.output = output
    }
}

/// What `distill run` does: teaches a student from frozen teachers and the true labels.
public struct DistillRequest: Sendable {
    /// One or more teachers, with the same labels.
    public var teachers: [TeacherRequest]
    /// How several teachers become one.
    public var combination = TeacherCombination.probabilities
    public var student = StudentOptions()
    public var data: DataRequest
    /// Labelled examples on which the finished models are judged; nothing is chosen by them.
    public var test: URL?
    public var output: URL
    public var overwrite = false
    /// Divides both sides' logits before the softmax, where ``stages`` and ``objectives`` are empty.
    public var temperature: Schedule = 4
    /// The weight of the distillation term; the labels' is 1 − alpha. A schedule from 1 to 0 is teacher annealing
    /// (Clark et al., arXiv 1907.04829).
    public var alpha: Schedule = 0.7
    /// What the student learns from, in place of ``temperature`` and ``alpha``.
    public var objectives: [ObjectiveSpecification] = []
    /// Stages with objectives of their own, one after another.
    public var stages: [TrainingStage] = []
    /// Where the names of objectives are looked up: to add objectives of your own.
    public var registry = ObjectiveRegistry.standard
    /// Whether the student learns with the rounding of int8 weights and activations, and is judged with it. Its weights are
    /// saved in float32, for `distill quantize`.
    public var quantizeAware = false
    /// How training texts are changed anew in each epoch; `nil` for not at all.
    public var augmentation: Augmentation?
    /// Whether the same student is also trained without the teacher, to show what the teacher was worth.
    public var baseline = false
    /// How many times everything is done, with seeds that count on from the training's.
    public var seeds = 1
    public var training = TrainingArguments()
    public var device = Device.cpu
    /// What training computes with; models are always judged in float32, and saved in it.
    public var precision = Precision.auto
    public var cache = CacheOptions()
    /// Where curves for TensorBoard and `metrics.jsonl` are written; `nil` for nowhere.
    public var loggingDirectory: URL?
    /// The most examples in each list of the report; 0 keeps all texts out of it.
    public var reportExamples = 20
    /// What the model card says that the run cannot know.
    public var card = ModelCardOptions()

    /// The directory of the only teacher, or of the first.
    public var teacher: URL {
        get { teachers[0].directory }
        set { teachers[0].directory = newValue }
    }

    public init(teacher: URL, data: DataRequest, output: URL) {
        teachers = [TeacherRequest(teacher)]
        self.data = data
        self.output = output
    }
}

/// One of the models that a student learns from.
public struct TeacherRequest: Sendable, Equatable {
    public var directory: URL
    /// Among several teachers, in any proportion.
    public var weight: Double

    public init(_ directory: URL, weight: Double = 1) {
        self.directory = directory
        self.weight = weight
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

    /// - Throws: ``DistillationError`` for sizes of no model; whether the others fit the teacher shows when both are there.
    func validate() throws {
        for (name, size) in [
            ("layers", layers), ("hidden_size", hiddenSize), ("intermediate_size", intermediateSize),
            ("attention_heads", attentionHeads),
        ] {
            if let size {
                try SettingLimits.require(
                    size, name, from: .min, to: name == "layers" ? 10_000 : SettingLimits.count)
            }
        }
    }
}

/// What `distill evaluate` does: judges a model, and a teacher beside it, on labelled examples.
public struct EvaluateRequest: Sendable {
    public var model: URL
    public var teacher: URL?
    public var data: URL
    /// How the data file is read.
    public var columns = DataColumns()
    /// Longer inputs are cut to this many tokens; `nil` for the length that the model was trained with, or the tokenizer's.
    public var maxLength: Int?
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
