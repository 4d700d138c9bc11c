import Torch

/// KL(P ‖ Q) and KL(Q ‖ P), weighted for each token by how much of both models' difference lies in the teacher's head and tail
/// (Wu et al., arXiv 2404.02657), mean over the rows.
final class AdaptiveKLObjective: StandardObjective, VocabularyObjective {
    static let options: [ObjectiveOption] = [
        .temperature("1"),
        ObjectiveOption(
            "head", default: "0.5", "the probability that the teacher's most probable tokens have together"),
    ]

    let name: String
    let unit = LossUnit.rows
    private let temperature: Schedule
    private let head: Double

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        temperature = try options.positiveSchedule("temperature")
        head = try options.number("head", "above 0 and below 1") { $0 > 0 && $0 < 1 }
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireDistribution(for: name)
        return ObjectiveNeeds(teacherLogits: true)
    }

    func term(at progress: Double) -> LossTerm {
        LossTerm(.adaptiveKL(head: head), temperature: temperature.value(at: progress))
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor { try lossOfClasses(batch) }
}
