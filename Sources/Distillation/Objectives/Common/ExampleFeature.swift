import Torch
import Transformers

/// The vector that represents an example where examples are compared with one another: (B, D).
enum ExampleFeature: String, CaseIterable {
    /// The logits.
    case logits
    /// The last hidden state of the [CLS] token, the first.
    case cls
    /// The mean over the last hidden state's tokens.
    case mean

    static let option = ObjectiveOption(
        "feature", default: "cls",
        "the vector of an example: logits, cls ([CLS] token) or mean of the last hidden state")

    /// Returns the outputs of the two models that are read.
    ///
    /// - Throws: ``DistillationError`` where the teacher reads other tokens than the student.
    func needs(_ models: ObjectiveModels, objective: String) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: objective)
        if self == .logits, models.problemType.definition.labelsWords {
            throw DistillationError(
                "\(objective) compares examples, but the model has logits for each word; set feature = cls or mean"
            )
        }
        if self == .logits {
            try models.requireTeacherLogits(for: objective)
            return ObjectiveNeeds(teacherLogits: true)
        }
        if let tokensDiffer = models.tokensDiffer {
            throw DistillationError(
                "\(objective) reads hidden states that both models make of the same tokens, but \(tokensDiffer); "
                    + "set feature = logits")
        }
        let teacher = try models.alignedTeacher(for: objective)
        return ObjectiveNeeds(
            studentHiddenStates: [models.student.numHiddenLayers],
            teacherHiddenStates: [teacher.numHiddenLayers])
    }

    /// (B, D) of both models; the teacher's is detached.
    func values(_ batch: ObjectiveBatch, _ needs: ObjectiveNeeds) throws -> (student: Tensor, teacher: Tensor)
    {
        guard let student = needs.studentHiddenStates.first, let teacher = needs.teacherHiddenStates.first
        else { return (batch.student.logits, try batch.teacherLogits.detached()) }
        return (
            try rows(of: batch.student.hiddenState(student), batch.offsets),
            try rows(of: batch.teacherFeatures.hiddenState(teacher), batch.offsets).detached()
        )
    }

    private func rows(of tokens: Tensor, _ offsets: [Int]) throws -> Tensor {
        guard self == .mean else { return try tokens.firstTokens(offsets: offsets) }
        let lengths = try Tensor(
            zip(offsets, offsets.dropFirst()).map { Float($1 - $0) }, shape: [offsets.count - 1, 1],
            device: tokens.device)
        return try tokens.padded(offsets: offsets).sum(1) / lengths
    }
}

extension Tensor {
    /// Each example's [CLS] token, the first: (T, H) → (B, H).
    func firstTokens(offsets: [Int]) throws -> Tensor {
        try indexSelect(dimension: 0, Tensor(Array(offsets.dropLast()), device: device))
    }
}

extension ObjectiveBatch {
    /// The teacher's forward pass.
    ///
    /// - Throws: ``DistillationError`` where there was none: a mistake in an objective's needs.
    var teacherFeatures: ModelOutput {
        get throws {
            guard let teacher else {
                throw DistillationError("the teacher's hidden states were not asked for in prepare(_:)")
            }
            return teacher
        }
    }
}
