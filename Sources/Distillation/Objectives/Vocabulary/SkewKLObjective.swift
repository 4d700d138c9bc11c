import Torch

/// KL between one model's probabilities and a mixture of both models': KL(P ‖ α · P + (1 − α) · Q), or in reverse
/// KL(Q ‖ (1 − α) · P + α · Q) (Ko et al., "DistiLLM", arXiv 2402.03898, section 3.1), mean over the rows.
final class SkewKLObjective: StandardObjective, VocabularyObjective {
    static let options: [ObjectiveOption] = [
        .temperature("1"),
        ObjectiveOption("alpha", default: "0.1", "the fraction of its own side in the mixture"),
    ]

    let name: String
    let unit = LossUnit.rows
    private let temperature: Schedule
    private let alpha: Double
    private let isReverse: Bool

    convenience init(_ specification: ObjectiveSpecification) throws {
        try self.init(specification, isReverse: false)
    }

    init(_ specification: ObjectiveSpecification, isReverse: Bool) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        temperature = try options.positiveSchedule("temperature")
        alpha = try options.number("alpha", "above 0 and below 1") { $0 > 0 && $0 < 1 }
        self.isReverse = isReverse
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireDistribution(for: name)
        return ObjectiveNeeds(teacherLogits: true)
    }

    func term(at progress: Double) -> LossTerm {
        LossTerm(
            isReverse ? .skewReverseKL(alpha: alpha) : .skewKL(alpha: alpha),
            temperature: temperature.value(at: progress))
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor { try lossOfClasses(batch) }
}
