import Torch

/// The total variation distance ½ Σ |P − Q| of the softened probabilities (Wen et al., arXiv 2307.15190), mean over the rows.
final class TotalVariationObjective: StandardObjective, VocabularyObjective {
    static let options: [ObjectiveOption] = [.temperature("1")]

    let name: String
    let unit = LossUnit.rows
    private let temperature: Schedule

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        temperature = try options.positiveSchedule("temperature")
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireDistribution(for: name)
        return ObjectiveNeeds(teacherLogits: true)
    }

    func term(at progress: Double) -> LossTerm {
        LossTerm(.totalVariation, temperature: temperature.value(at: progress))
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor { try lossOfClasses(batch) }
}
