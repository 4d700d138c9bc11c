import Datasets
import Exporters
import Foundation
import Torch
import Transformers

/// The files of the examples and how they are read.
public struct DataRequest: Sendable, Equatable {
    public var train: URL
    /// The validation file; where `nil`, a part of the training data that the seed chooses is held out.
    public var validation: URL?
    /// The fraction of the training data that is held out.
    public var validationSplit = 0.1
    /// The columns and the format of the files.
    public var columns = DataColumns()
    /// The type of the labels; `nil` for the teacher's, or, without one, multi-label where the labels are JSON arrays, else
    /// single-label classification.
    public var problemType: TaskIdentifier?
    /// The tokens at which a token classifier is trained; it is evaluated at the words' first tokens.
    public var rowUnit = RowUnit.words
    /// Files of unlabeled texts for training, in addition to the training data; labels in them are not read.
    public var unlabelled: [URL] = []
    /// Longer inputs are cut to this many tokens; `nil` for the length that the model was trained with, or the tokenizer's.
    public var maxLength: Int?

    public init(train: URL, validation: URL? = nil) {
        self.train = train
        self.validation = validation
    }
}

/// The input of ``FineTuningRun``, which `distill finetune` runs: trains a pretrained encoder on labeled examples.
public struct FineTuneRequest: Sendable {
    public var model: URL
    public var data: DataRequest
    public var output: URL
    public var overwrite = false
    /// True if a head for another number of classes is replaced by a fresh one.
    public var ignoreMismatchedSizes = false
    /// The function that makes a score of a cross-encoder's logit; `nil` for the model's own, or the logit itself.
    public var scoreActivation: ScoreActivation?
    public var training = TrainingArguments()
    public var device = Device.cpu
    /// The precision of training; models are always evaluated and saved in float32.
    public var precision = Precision.auto
    public var cache = CacheOptions()
    public var checkpoints = CheckpointOptions()
    /// The run that this one makes again, from its report: what is different is told.
    public var reproduced: RunIdentity?
    /// The directory for TensorBoard curves and `metrics.jsonl`; `nil` for none.
    public var loggingDirectory: URL?
    /// The maximum number of examples in each list of the report; 0 keeps all texts out of it.
    public var reportExamples = 20
    /// The entries of the model card that the run cannot know.
    public var card = ModelCardOptions()

    public init(model: URL, data: DataRequest, output: URL) {
        self.model = model
        self.data = data
        self.output = output
    }
}

/// The input of ``DistillationRun``, which `distill run` runs: trains a student on frozen teachers and the true labels.
public struct DistillRequest: Sendable {
    /// The weight of the distillation term where none is given.
    public static let defaultAlpha: Schedule = 0.7
    /// The teachers that are models, with the same labels; with ``scores`` at least one.
    public var teachers: [TeacherRequest]
    /// The teachers of whom files of scores tell.
    public var scores: [ScoresRequest] = []
    /// The way in which several teachers are combined into one.
    public var combination = TeacherCombination.probabilities
    public var student = StudentOptions()
    public var data: DataRequest
    /// Labeled examples on which the finished models are evaluated; nothing is chosen by them.
    public var test: URL?
    /// Queries and documents by which checkpoints of a student for embeddings are evaluated; `nil` for none.
    public var retrieval: RetrievalOptions?
    public var output: URL
    public var overwrite = false
    /// Divides both sides' logits before the softmax, where ``stages`` and ``objectives`` are empty.
    public var temperature: Schedule {
        get { statedTemperature ?? 4 }
        set { statedTemperature = newValue }
    }
    /// The temperature that was asked for; `nil` for the default: 4, of a language model 1.
    public var statedTemperature: Schedule?
    /// The form in which a language model's last hidden states are kept.
    public var teacherStates = TeacherStateCoding.float16
    /// Files of log-probabilities that a language model elsewhere gave, in its place: one for the training data, and one for each of
    /// the validation and test data where these are files of their own, in this order.
    public var teacherLogprobs: [URL] = []
    /// The weight of the distillation term; the labels' is 1 − alpha. A schedule from 1 to 0 is teacher annealing
    /// (Clark et al., arXiv 1907.04829).
    public var alpha: Schedule {
        get { statedAlpha ?? Self.defaultAlpha }
        set { statedAlpha = newValue }
    }
    /// The alpha that was asked for; `nil` for the default.
    public var statedAlpha: Schedule?
    /// The objectives, in place of ``temperature`` and ``alpha``.
    public var objectives: [ObjectiveSpecification] = []
    /// Stages with objectives of their own, one after another.
    public var stages: [TrainingStage] = []
    /// The registry in which the names of objectives are looked up: to add objectives of your own.
    public var registry = ObjectiveRegistry.standard
    /// True if the student is trained and evaluated with the rounding of int8 weights and activations (quantization-aware
    /// training). Its weights are saved in float32, for `distill quantize`.
    public var quantizeAware = false
    /// The type of GGUF file with whose rounding a language model's student is trained and evaluated; `nil` for none. Its weights are
    /// saved as they are before it, and `distill export` to that type rounds them to the same bits.
    public var quantizeAwareType: GGUFOutputType?
    /// The steps on texts that a language model's student writes itself; `nil` for none.
    public var onPolicy: OnPolicyOptions?
    /// The augmentation of the training texts, drawn anew in each epoch; `nil` for none.
    public var augmentation: Augmentation?
    /// True if a baseline, the same student without the teacher, is also trained, to show the teacher's effect.
    public var baseline = false
    /// The number of repetitions, with seeds that count up from the training's.
    public var seeds = 1
    public var training = TrainingArguments()
    public var device = Device.cpu
    /// The precision of training; models are always evaluated and saved in float32.
    public var precision = Precision.auto
    public var cache = CacheOptions()
    public var checkpoints = CheckpointOptions()
    /// The run that this one makes again, from its report: what is different is told.
    public var reproduced: RunIdentity?
    /// The directory for TensorBoard curves and `metrics.jsonl`; `nil` for none.
    public var loggingDirectory: URL?
    /// The maximum number of examples in each list of the report; 0 keeps all texts out of it.
    public var reportExamples = 20
    /// The entries of the model card that the run cannot know.
    public var card = ModelCardOptions()

    /// The directory of the only teacher that is a model, or of the first; there must be one.
    public var teacher: URL {
        get { teachers[0].directory }
        set { teachers[0].directory = newValue }
    }

    public init(teacher: URL, data: DataRequest, output: URL) {
        teachers = [TeacherRequest(teacher)]
        self.data = data
        self.output = output
    }

    /// A distillation from scores alone.
    ///
    /// - Parameters:
    ///   - scores: The teachers, at least one.
    ///   - student: A pretrained encoder: there is no teacher whose sizes a student could have.
    ///   - data: The data.
    ///   - output: The directory in which the student is saved.
    public init(scores: [ScoresRequest], student: URL, data: DataRequest, output: URL) {
        teachers = []
        self.scores = scores
        self.data = data
        self.output = output
        self.student.directory = student
    }
}

/// One of the models that a student learns from.
public struct TeacherRequest: Sendable, Equatable {
    public var directory: URL
    /// The weight among several teachers, in any proportion.
    public var weight: Double

    public init(_ directory: URL, weight: Double = 1) {
        self.directory = directory
        self.weight = weight
    }
}

/// The input of ``EvaluationRun``, which `distill evaluate` runs: evaluates a model, and optionally a teacher, on labeled
/// examples.
public struct EvaluateRequest: Sendable {
    public var model: URL
    public var teacher: URL?
    /// Files of a teacher's scores to compare with, in place of ``teacher``.
    public var teacherScores: [URL] = []
    /// The key or column of the scores; `nil` finds it.
    public var scoresColumn: String?
    public var data: URL
    /// The columns and the format of the data file.
    public var columns = DataColumns()
    /// Longer inputs are cut to this many tokens; `nil` for the length that the model was trained with, or the tokenizer's.
    public var maxLength: Int?
    public var batchSize = 64
    /// Single examples timed for the latency figures; 0 for none.
    public var latencySamples = 200
    public var device = Device.cpu
    /// The precision of the models.
    public var precision = Precision.float32
    public var cache = CacheOptions()

    public init(model: URL, data: URL) {
        self.model = model
        self.data = data
    }
}
