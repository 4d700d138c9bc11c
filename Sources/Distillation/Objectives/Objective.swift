import Torch
import Transformers

/// One term of a student's loss: a loss between its outputs and the teacher's, or the labels.
///
/// Conform to it to add a loss of your own:
///
/// ```swift
/// final class LogitsL1: Objective {
///     let name = "logits_l1"
///     func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds { ObjectiveNeeds(teacherLogits: true) }
///     func loss(_ batch: ObjectiveBatch) throws -> Tensor {
///         try (batch.student.logits - batch.teacherLogits).absolute().mean()
///     }
/// }
/// ```
public protocol Objective: AnyObject {
    /// The name in logs, reports and configuration files: snake case.
    var name: String { get }

    /// Prepares the objective for the two models before the first step.
    ///
    /// - Returns: The outputs that the forward passes must keep for ``loss(_:)``.
    /// - Throws: ``DistillationError`` where the loss cannot be computed for these models; the message names what does not
    ///   fit and what to do.
    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds

    /// The unit that ``loss(_:)`` is the mean over; the examples, unless an objective says otherwise.
    var unit: LossUnit { get }

    /// Returns the divisor of ``loss(_:)`` for such a micro-batch: the number of ``unit``, or the sum of their weights.
    ///
    /// Where several micro-batches make one step, each loss is weighted by its fraction of the sum of these.
    func count(_ counts: LossCounts) -> Double

    /// The loss of a micro-batch.
    ///
    /// - Returns: A scalar, float32, in the student's graph: the mean over ``unit``. Tokens of padding do not exist in a
    ///   batch.
    func loss(_ batch: ObjectiveBatch) throws -> Tensor
}

/// The outputs that an objective reads from the two models' forward passes.
///
/// Hidden states are counted as transformers counts them: 0 is the embeddings' output, k the output of layer k − 1, so
/// that the last is the number of layers. Layers of `AttentionProjections` are counted from 0.
public struct ObjectiveNeeds: Sendable, Equatable {
    public var teacherLogits: Bool
    public var labels: Bool
    public var studentHiddenStates: Set<Int>
    public var teacherHiddenStates: Set<Int>
    public var studentProjections: Set<Int>
    public var teacherProjections: Set<Int>

    public init(
        teacherLogits: Bool = false, labels: Bool = false, studentHiddenStates: Set<Int> = [],
        teacherHiddenStates: Set<Int> = [], studentProjections: Set<Int> = [],
        teacherProjections: Set<Int> = []
    ) {
        self.teacherLogits = teacherLogits
        self.labels = labels
        self.studentHiddenStates = studentHiddenStates
        self.teacherHiddenStates = teacherHiddenStates
        self.studentProjections = studentProjections
        self.teacherProjections = teacherProjections
    }

    /// Both needs together.
    public mutating func formUnion(_ other: ObjectiveNeeds) {
        teacherLogits = teacherLogits || other.teacherLogits
        labels = labels || other.labels
        studentHiddenStates.formUnion(other.studentHiddenStates)
        teacherHiddenStates.formUnion(other.teacherHiddenStates)
        studentProjections.formUnion(other.studentProjections)
        teacherProjections.formUnion(other.teacherProjections)
    }

    /// True if the teacher is read beyond its logits, which are computed once and cached.
    public var teacherFeatures: Bool { !teacherHiddenStates.isEmpty || !teacherProjections.isEmpty }
}

/// The two models, as an objective sees them before the first step.
public struct ObjectiveModels {
    public let student: ModelConfiguration
    /// `nil` where there is no teacher.
    public let teacher: ModelConfiguration?
    /// The reason why token-by-token comparison is impossible, as the end of a sentence that begins with the objective's name:
    /// several teachers, or a student with another tokenizer; `nil` where the teacher reads the student's tokens.
    public let tokensDiffer: String?
    public let problemType: TaskIdentifier
    /// The number of training examples of each class, for balanced class weights; empty for regression.
    public let classCounts: [Int]
    /// The training batch's size, for losses between examples.
    public let batchSize: Int
    /// The number of training examples.
    public let exampleCount: Int
    /// Parameters that are learned with the student and dropped at the end of training.
    public let learned: ParameterScope
    /// The form in which a language model's teacher is known.
    public let teacherStates: TeacherStateCoding
    /// True if the teacher's logits are known, not only the probabilities that they give.
    public let hasTeacherLogits: Bool
    /// The columns of the teacher's outputs.
    public let teacherWidth: Int
    /// What is known of the queries whose documents are compared.
    let groups: GroupFacts
    /// True if a language model's teacher has a tokenizer of its own, and spans of text are compared.
    var hasSpans = false

    /// The training data's queries with documents, and what their teacher gives.
    struct GroupFacts {
        /// True if examples belong to queries.
        var areThere = false
        /// True if a query has two documents or more.
        var hasLists = false
        /// True if the teacher gives each document a score, and the student texts vectors.
        var teacherScoresPairs = false
    }

    /// The facts as they are named; `hasQueries` is true if the training data are queries with several documents each.
    public init(
        student: ModelConfiguration, teacher: ModelConfiguration?, tokensDiffer: String? = nil,
        problemType: TaskIdentifier = .singleLabel, classCounts: [Int] = [], batchSize: Int = 32,
        exampleCount: Int = 0, learned: ParameterScope, teacherStates: TeacherStateCoding = .float32,
        hasTeacherLogits: Bool = true, teacherWidth: Int? = nil, hasQueries: Bool = false
    ) {
        self.init(
            student: student, teacher: teacher, tokensDiffer: tokensDiffer, problemType: problemType,
            classCounts: classCounts, batchSize: batchSize, exampleCount: exampleCount, learned: learned,
            teacherStates: teacherStates, hasTeacherLogits: hasTeacherLogits, teacherWidth: teacherWidth,
            groups: GroupFacts(areThere: hasQueries, hasLists: hasQueries))
    }

    init(
        student: ModelConfiguration, teacher: ModelConfiguration?, tokensDiffer: String?,
        problemType: TaskIdentifier, classCounts: [Int], batchSize: Int, exampleCount: Int,
        learned: ParameterScope, teacherStates: TeacherStateCoding, hasTeacherLogits: Bool,
        teacherWidth: Int?, groups: GroupFacts
    ) {
        self.groups = groups
        self.student = student
        self.teacher = teacher
        self.tokensDiffer = tokensDiffer
        self.problemType = problemType
        self.classCounts = classCounts
        self.batchSize = batchSize
        self.exampleCount = exampleCount
        self.learned = learned
        self.teacherStates = teacherStates
        self.hasTeacherLogits = hasTeacherLogits
        self.teacherWidth = teacherWidth ?? (teacher ?? student).outputCount
    }
}
