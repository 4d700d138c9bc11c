import Torch

/// DIST (Huang et al., arXiv 2205.10536, section 4): T² · (β · inter + γ · intra) of the softened
/// probabilities, where inter is 1 − Pearson's correlation of student and teacher over the classes, mean over the
/// examples, and intra the same over the batch's examples, mean over the classes.
///
/// A batch of one example, such as an epoch's last, has no intra-class term.
final class DISTObjective: StandardObjective {
    static let options: [ObjectiveOption] = [
        .temperature("1"),
        ObjectiveOption("beta", default: "1", "the weight of the correlation by example"),
        ObjectiveOption("gamma", default: "1", "the weight of the correlation by class"),
    ]

    let name: String
    let unit = LossUnit.comparisons
    private let temperature: Schedule
    private let beta: Double
    private let gamma: Double

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        temperature = try options.temperature()
        beta = try options.weight("beta")
        gamma = try options.weight("gamma")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireSoftmax(for: name)
        try models.requireBatch(of: 2, for: name)
        return ObjectiveNeeds(teacherLogits: true)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let logits = try SoftenedLogits(batch, temperature: temperature)
        let (student, teacher) = (
            try batch.allRows(logits.student.exp()), try batch.allRows(logits.teacher.exp())
        )
        var total = try distance(student, teacher, dimension: 1) * beta
        if try student.size(0) > 1 {
            total = try total + distance(student, teacher, dimension: 0) * gamma
        }
        return try total * logits.factor
    }

    /// 1 − Pearson's correlation along a dimension, mean over the other.
    private func distance(_ a: Tensor, _ b: Tensor, dimension: Int) throws -> Tensor {
        let a = try a.centered(dimension: dimension).normalized(dimension: dimension)
        let b = try b.centered(dimension: dimension).normalized(dimension: dimension)
        return try 1 - (a * b).sum(dimension).mean()
    }
}
