import Torch

/// A divergence of the student's softened probabilities Q from the teacher's P, mean over the rows.
final class DivergenceObjective: StandardObjective, VocabularyObjective {
    enum Kind: CaseIterable {
        /// KL(P ‖ α · P + (1 − α) · Q) (Ko et al., "DistiLLM", arXiv 2402.03898, section 3.1).
        case skewKL
        /// KL(Q ‖ (1 − α) · P + α · Q) (the same).
        case skewReverseKL
        /// The total variation distance ½ Σ |P − Q| (Wen et al., arXiv 2307.15190).
        case totalVariation
        /// KL(P ‖ Q) and KL(Q ‖ P), weighted for each row by how much of both models' difference lies in the teacher's head and tail
        /// (Wu et al., arXiv 2404.02657).
        case adaptiveKL

        /// The option besides the temperature, a number above 0 and below 1.
        private var parameter: ObjectiveOption? {
            switch self {
            case .skewKL, .skewReverseKL:
                ObjectiveOption("alpha", default: "0.1", "the fraction of its own side in the mixture")
            case .totalVariation: nil
            case .adaptiveKL:
                ObjectiveOption(
                    "head", default: "0.5",
                    "the probability that the teacher's most probable tokens have together")
            }
        }

        var options: [ObjectiveOption] { [.temperature("1")] + [parameter].compactMap(\.self) }

        fileprivate func measure(_ options: ObjectiveOptions) throws -> LossTerm.Measure {
            let value = try parameter.map { option in
                try options.number(option.name, "above 0 and below 1") { $0 > 0 && $0 < 1 }
            }
            return switch self {
            case .skewKL: .skewKL(alpha: value ?? 0)
            case .skewReverseKL: .skewReverseKL(alpha: value ?? 0)
            case .totalVariation: .totalVariation
            case .adaptiveKL: .adaptiveKL(head: value ?? 0)
            }
        }
    }

    static let options = Kind.skewKL.options

    let name: String
    let unit = LossUnit.rows
    private let temperature: Schedule
    private let measure: LossTerm.Measure

    convenience init(_ specification: ObjectiveSpecification) throws {
        try self.init(specification, .skewKL)
    }

    init(_ specification: ObjectiveSpecification, _ kind: Kind) throws {
        let options = try ObjectiveOptions(specification, known: kind.options)
        name = specification.name
        temperature = try options.temperature()
        measure = try kind.measure(options)
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireDistribution(for: name)
        return ObjectiveNeeds(teacherLogits: true)
    }

    func term(at progress: Double) -> LossTerm {
        LossTerm(measure, temperature: temperature.value(at: progress))
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor { try lossOfClasses(batch) }
}
