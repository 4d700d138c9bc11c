import Torch

/// The loss with the teacher's logits, by the kind of the labels: kl, soft_binary_cross_entropy or logits_mse.
final class SoftLabelsObjective: StandardObjective, VocabularyObjective {
    static let options = SoftBinaryCrossEntropyObjective.options

    let name: String
    private let specification: ObjectiveSpecification
    private var chosen: (any Objective)?

    init(_ specification: ObjectiveSpecification) throws {
        let options = try ObjectiveOptions(specification, known: Self.options)
        _ = try options.temperature()
        name = specification.name
        self.specification = specification
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        let objective: any Objective =
            switch models.problemType.definition.outputs {
            case .softmax, .tokens: try KLObjective(specification)
            case .sigmoid: try SoftBinaryCrossEntropyObjective(specification)
            case .real: try LogitsMSEObjective(specification)
            case .vector:
                throw models.refusal(of: name, "use \(models.problemType.definition.softObjective)")
            }
        chosen = objective
        return try objective.prepare(models)
    }

    var unit: LossUnit { chosen?.unit ?? .rows }
    func count(_ counts: LossCounts) -> Double { chosen?.count(counts) ?? counts.count(unit) }

    func term(at progress: Double) throws -> LossTerm {
        guard let chosen = try prepared(chosen, name) as? any VocabularyObjective else {
            throw DistillationError("\(name) is no term of a language model's loss")
        }
        return try chosen.term(at: progress)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try prepared(chosen, name).loss(batch)
    }
}
