import Torch

/// The loss with the labels, by their kind: cross_entropy, binary_cross_entropy or mse.
final class LabelsObjective: StandardObjective, VocabularyObjective {
    static let options = [
        CrossEntropyObjective.labelSmoothing, ClassWeights.option, ClassWeights.positiveOption,
    ]

    let name: String
    private let specification: ObjectiveSpecification
    private var chosen: (any Objective)?

    init(_ specification: ObjectiveSpecification) throws {
        _ = try ObjectiveOptions(specification, known: Self.options)
        name = specification.name
        self.specification = specification
        // Values that no kind of label takes are refused immediately; options that this kind lacks, when it is known.
        var part = specification
        part.options["pos_weight"] = nil
        _ = try CrossEntropyObjective(part)
        part.options = specification.options.filter { $0.key == "pos_weight" }
        _ = try BinaryCrossEntropyObjective(part)
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        let objective: any Objective =
            switch models.problemType.definition.outputs {
            case .softmax, .tokens: try CrossEntropyObjective(specification)
            case .sigmoid: try BinaryCrossEntropyObjective(specification)
            case .real: try MSEObjective(specification)
            case .vector: throw models.noLabels(for: name)
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
