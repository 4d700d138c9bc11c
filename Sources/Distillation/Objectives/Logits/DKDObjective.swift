import Torch

/// Decoupled knowledge distillation (Zhao et al., arXiv 2203.08679, equation 7): T² · (α · TCKD + β · NCKD).
///
/// TCKD is the KL divergence of (probability of the label's class, of all others together); NCKD the KL divergence of
/// the other classes' probabilities among themselves. Both are means over the examples that have a label: without one
/// there is no target class. With two classes NCKD is 0, since only one other class is left.
final class DKDObjective: StandardObjective {
    static let options: [ObjectiveOption] = [
        .temperature(),
        ObjectiveOption("alpha", default: "1", "the weight of the label's class (TCKD)"),
        ObjectiveOption("beta", default: "8", "the weight of the other classes (NCKD)"),
    ]

    let name: String
    let unit = LossUnit.labeledRows
    private let temperature: Schedule
    private let alpha: Double
    private let beta: Double

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        temperature = try options.temperature()
        alpha = try options.weight("alpha")
        beta = try options.weight("beta")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireSoftmax(for: name)
        return ObjectiveNeeds(teacherLogits: true, labels: true)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let labels = batch.labels
        guard labels.labeledCount > 0 else { return try batch.student.logits.zeroInGraph() }
        let logits = try SoftenedLogits(batch, temperature: temperature)
        let classes = try Tensor.arange(logits.student.size(-1), device: logits.student.device)
        // (B, C): true for the label's class; nowhere in a row without a label.
        let isTarget = try labels.targets.unsqueezed(1).equal(classes)

        let student = try Parts(logits.student, isTarget)
        let teacher = try Parts(logits.teacher, isTarget)
        let target = try student.binary.rowDivergences(logTarget: teacher.binary)
        let others = try student.others.rowDivergences(logTarget: teacher.others)
        let rows = try (target * alpha + others * beta) * labels.mask
        return try rows.sum() * (logits.factor / Double(labels.labeledCount))
    }

    /// Log-probabilities of the target class against all others (B, 2), and of the others among themselves (B, C).
    private struct Parts {
        let binary: Tensor
        let others: Tensor

        init(_ logProbabilities: Tensor, _ isTarget: Tensor) throws {
            // Low enough for a probability of exactly 0, yet finite, so that 0 times it is not NaN.
            let withoutTarget = try logProbabilities.maskedFill(isTarget, -1e9)
            let target = try logProbabilities.maskedFill(isTarget.logicalNot(), 0).sum(-1)
            binary = try Tensor.stacked([target, withoutTarget.logSumExp(-1)], dimension: 1)
            others = try withoutTarget.logSoftmax()
        }
    }
}
