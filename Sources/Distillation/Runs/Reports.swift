import Exporters
import Torch
import Transformers

/// A student compared with its teacher on the same examples.
public struct Comparison: Sendable, Equatable, Codable {
    /// The fraction of examples for which both predict the same class, or of labels on which both decide alike; for regression
    /// Pearson's correlation between both; of vectors the mean cosine, `nil` where they have other widths.
    public var agreement: Double?
    /// KL(teacher ‖ student) at temperature 1, mean over the examples; for multi-label classification the sum over the labels;
    /// `nil` for regression.
    public var kl: Double?
    /// The mean squared difference from the teacher; `nil` except for regression.
    public var teacherMse: Double?
    /// The teacher's parameters divided by the student's, and so on: above 1 the student is better.
    public var parameterRatio: Double
    public var sizeRatio: Double
    public var speedRatio: Double?
}

/// The result of `distill evaluate`.
public struct EvaluationReport: Sendable, Equatable, Codable {
    public var model: ModelEvaluation
    public var teacher: ModelEvaluation?
    public var comparison: Comparison?
    public var labels: [String]
    public var problemType: TaskIdentifier
    public var data: DataRecord
    /// The answers to multiple-choice questions; `nil` where none were asked.
    public var choices: ChoiceEvaluation?
    /// How well documents are found; `nil` where none were searched.
    public var retrieval: RetrievalReport?
}

/// A data file as it was read.
public struct DataRecord: Sendable, Equatable, Codable {
    public var path: String
    public var examples: Int
    public var sha256: String
}

/// Everything about a finished run: written as `distillation.json` (or `training.json` by `finetune`), printed
/// by `--json`.
public struct RunReport: Sendable, Equatable, Codable {
    public var command: String
    /// The directory in which the model was saved.
    public var output: String
    public var labels: [String]
    /// The classes with their examples, in the order of ``labels``; `nil` for regression.
    public var classes: [ClassCount]?
    public var settings: Settings
    public var train: DataRecord
    public var validation: DataRecord
    /// The files without labels that were trained on too; `nil` where there are none.
    public var unlabelled: [DataRecord]?
    /// The teacher on the validation data.
    public var teacher: ModelEvaluation?
    /// The model that was saved, on the validation data.
    public var student: ModelEvaluation
    public var comparison: Comparison?
    /// The baseline, the same student trained without the teacher, where that was requested.
    public var baseline: ModelEvaluation?
    /// The improvement over the baseline on the validation data.
    public var gain: BaselineComparison?
    /// The models on the test data, where there are some.
    public var test: TestResults?
    /// How well documents are found, of a run with a retrieval data set.
    public var retrieval: RetrievalReport?
    /// What a student for embeddings is measured against; `nil` for other students.
    public var embedding: EmbeddingRecord?
    /// The tokens of a language model that has fewer than its teacher; `nil` for other students.
    public var vocabulary: Vocabulary?
    /// The tokens of a language model beside those of its teacher, which has a tokenizer of its own; `nil` for other students.
    public var alignment: TokenAlignment?
    /// All repetitions, where there are several.
    public var seeds: SeedSummary?
    public var epochs: [EpochMetrics]
    public var bestEpoch: Double
    /// True if the run was stopped before its last step.
    public var interrupted: Bool
    public var steps: Int
    public var phases: [Phase]
    public var versions: Versions
    /// Everything that decided the weights, by which the run can be made again; `nil` in a report of an earlier program.
    public var identity: RunIdentity?

    /// The name of the file that holds this report in the output directory.
    public var recordName: String { command == "run" ? "distillation.json" : "training.json" }

    public struct Settings: Sendable, Equatable, Codable {
        public var model: String?
        public var teacher: String?
        public var student: StudentOptions?
        public var studentConfiguration: Sizes
        /// Of several teachers; the first is ``teacher``.
        public var teachers: [Teacher]?
        public var combination: TeacherCombination?
        /// The temperature, where the student learns by temperature and alpha.
        public var temperature: Schedule?
        public var alpha: Schedule?
        /// The objectives that were minimized, stage by stage.
        public var stages: [TrainingStage]?
        public var augmentation: Augmentation?
        /// True if the student was trained and evaluated with the rounding of int8.
        public var quantizeAware: Bool?
        /// The type of GGUF file with whose rounding a language model's student was trained and evaluated.
        public var quantizeAwareType: GGUFOutputType?
        public var maxLength: Int
        public var validationSplit: Double?
        public var training: TrainingArguments
        public var device: String
        /// The precision of training.
        public var precision: Precision
    }

    public struct Teacher: Sendable, Equatable, Codable {
        public var path: String
        public var weight: Double
    }

    /// The tokens of a student that has some of its teacher's.
    public struct Vocabulary: Sendable, Equatable, Codable {
        /// The teacher's tokens.
        public var tokensBefore: Int
        /// The student's tokens.
        public var tokensAfter: Int
        /// The mean probability, on the validation data, of the teacher's tokens that the student lacks: what is left is normalized to 1.
        public var lostMass: Double?
    }

    /// The training texts in the tokens of a student and of its teacher, divided into spans at whose ends both divide them.
    public struct TokenAlignment: Sendable, Equatable, Codable {
        /// The fraction of the student's trained tokens that are in a span.
        public var coverage: Double
        /// The fraction of the spans that are one token on either side.
        public var singleTokenSpans: Double
        /// The tokens that both vocabularies have.
        public var sharedTokens: Int
    }

    public struct Sizes: Sendable, Equatable, Codable {
        public var layers: Int
        public var hiddenSize: Int
        public var intermediateSize: Int
        public var attentionHeads: Int
        public var vocabularySize: Int
    }

    public struct Phase: Sendable, Equatable, Codable {
        public var name: String
        public var seconds: Double
    }

    public struct Versions: Sendable, Equatable, Codable {
        public var distill: String
        public var libtorch: String
        public var cpuCapability: String
        public var threads: Int
        /// The instruction set of the package's kernels.
        public var kernels: String?
        /// The measurement that chose kernels and precision: operations per second, in units of 10⁹, for each way to
        /// compute a layer; `nil` where it decided nothing.
        public var gigaflops: [String: Double]?
    }
}

extension RunReport {
    /// Notes the size of the student's weights file, which is that of the same student without a teacher too.
    mutating func setStudentBytes(_ bytes: Int) {
        func ratio(_ teacher: ModelEvaluation?) -> Double? {
            teacher.flatMap { bytes > 0 ? Double($0.bytesOnDisk) / Double(bytes) : nil }
        }
        student.bytesOnDisk = bytes
        baseline?.bytesOnDisk = bytes
        if let ratio = ratio(teacher) { comparison?.sizeRatio = ratio }
        test?.student.bytesOnDisk = bytes
        test?.baseline?.bytesOnDisk = bytes
        if let ratio = ratio(test?.teacher) { test?.comparison?.sizeRatio = ratio }
    }
}
