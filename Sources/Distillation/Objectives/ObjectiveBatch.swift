import Torch
import Transformers

/// The inputs of an objective for one batch. Shapes: B batch, C classes, T tokens of all examples, H hidden size.
public struct ObjectiveBatch {
    /// In the graph.
    public let student: ModelOutput
    /// Detached; `nil` where no objective reads more than logits.
    public let teacher: ModelOutput?
    /// (B, C) float32, detached: of one teacher, or the mean of several; `nil` without a teacher.
    public let givenTeacherLogits: Tensor?
    public let labels: BatchLabels
    /// The offsets at which the examples begin among the tokens, and the number of all tokens: B + 1 numbers.
    public let offsets: [Int]
    /// The examples' indices in the training data, or among the student's texts.
    public let indices: [Int]
    /// The completed fraction of the run's, or the stage's, steps: 0 at the first, 1 after the last. For schedules.
    public let progress: Double
    /// What a language model's terms read; `nil` for other models.
    let vocabulary: VocabularyBatch?
    /// The exchange with the processes that compute the rest of the batch; `nil` where these examples are all of it.
    public let exchange: BatchExchange?
    /// True if the student wrote the texts, which then are no examples of the data and have no labels.
    public let isStudentText: Bool

    public init(
        student: ModelOutput, teacher: ModelOutput? = nil, teacherLogits: Tensor? = nil,
        labels: BatchLabels, offsets: [Int], indices: [Int] = [], progress: Double = 0,
        vocabulary: VocabularyBatch? = nil, exchange: BatchExchange? = nil, isStudentText: Bool = false
    ) {
        self.student = student
        self.teacher = teacher
        givenTeacherLogits = teacherLogits
        self.labels = labels
        self.offsets = offsets
        self.indices = indices
        self.progress = progress
        self.vocabulary = vocabulary
        self.exchange = exchange
        self.isStudentText = isStudentText
    }

    /// (B, C) float32: the teacher's logits.
    ///
    /// - Throws: ``DistillationError`` where there is no teacher.
    public var teacherLogits: Tensor {
        get throws {
            guard let givenTeacherLogits else { throw DistillationError("this objective needs a teacher") }
            return givenTeacherLogits
        }
    }

    /// The number of examples B, of this process's part.
    public var count: Int { offsets.count - 1 }
}

extension ModelOutput {
    /// A hidden state by its number.
    ///
    /// - Throws: ``DistillationError`` where the forward pass did not keep it: a mistake in an objective's needs.
    public func hiddenState(_ number: Int) throws -> Tensor {
        guard let state = hiddenStates[number] else {
            throw DistillationError("hidden state \(number) was not asked for in prepare(_:)")
        }
        return state
    }

    /// A layer's queries, keys and values.
    ///
    /// - Throws: ``DistillationError`` where the forward pass did not keep them: a mistake in an objective's needs.
    public func projections(ofLayer layer: Int) throws -> AttentionProjections {
        guard let found = projections[layer] else {
            throw DistillationError("the projections of layer \(layer) were not asked for in prepare(_:)")
        }
        return found
    }
}
