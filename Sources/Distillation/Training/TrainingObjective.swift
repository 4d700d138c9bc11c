import Torch

/// What a model is trained on: turns its logits for a batch into a loss.
public protocol TrainingObjective {
    /// The loss of a batch.
    ///
    /// - Parameters:
    ///   - logits: The trained model's (B, C), in the graph.
    ///   - labels: (B) classes, int64.
    ///   - indices: The examples' places in the training data, for what was computed beforehand.
    func loss(logits: Tensor, labels: Tensor, indices: [Int]) throws -> LossTerms

    /// The teacher's logits for the training data, where there is a teacher.
    var teacherLogits: (any TeacherOutputs)? { get }
}

/// Cross-entropy with the labels: plain fine-tuning.
public struct LabelObjective: TrainingObjective {
    public init() {}

    public var teacherLogits: (any TeacherOutputs)? { nil }

    public func loss(logits: Tensor, labels: Tensor, indices: [Int]) throws -> LossTerms {
        let hard = try logits.crossEntropy(labels)
        return LossTerms(total: hard, soft: nil, hard: try hard.item(), kl: nil)
    }
}

/// The distillation loss against a teacher's logits that were computed once, before training.
///
/// The texts do not change between epochs and the teacher is frozen and in evaluation mode, so running it again
/// in every epoch would give the same numbers.
public struct DistillationObjective: TrainingObjective {
    public let loss: DistillationLoss
    public var teacherLogits: (any TeacherOutputs)? { outputs }
    private let outputs: any TeacherOutputs

    /// - Parameters:
    ///   - loss: Weighs the teacher's side against the labels'.
    ///   - teacherLogits: A row for each example of the training data, in memory or in a file.
    public init(loss: DistillationLoss, teacherLogits: any TeacherOutputs) {
        self.loss = loss
        outputs = teacherLogits
    }

    public func loss(logits: Tensor, labels: Tensor, indices: [Int]) throws -> LossTerms {
        let teacher = try outputs.tensor(indices, device: logits.device)
        return try loss(student: logits, teacher: teacher, labels: labels)
    }
}
