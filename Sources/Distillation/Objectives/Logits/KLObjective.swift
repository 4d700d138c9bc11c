import Foundation
import Torch

/// T² times a divergence of the softened probabilities P of the teacher and Q of the student, mean over the batch:
/// KL(P ‖ Q) (Hinton et al., arXiv 1503.02531), KL(Q ‖ P), or the generalized Jensen-Shannon divergence
/// β · KL(P ‖ M) + (1 − β) · KL(Q ‖ M) with M = β · P + (1 − β) · Q (Agarwal et al., arXiv 2306.13649, section 2).
final class KLObjective: StandardObjective, VocabularyObjective {
    enum Direction: String, CaseIterable {
        case forward
        case reverse
        case jensenShannon = "jensen_shannon"
    }

    private static let beta = ObjectiveOption(
        "beta", default: "0.5", "the teacher's weight in the mixture, for jensen_shannon")
    static let options: [ObjectiveOption] = [
        .temperature(),
        ObjectiveOption("direction", default: "forward", "forward, reverse or jensen_shannon"),
        beta,
    ]
    static let reverseOptions: [ObjectiveOption] = [.temperature()]
    static let jensenShannonOptions: [ObjectiveOption] = [.temperature(), beta]

    let name: String
    let unit = LossUnit.rows
    private var temperature: Schedule
    private let statesTemperature: Bool
    private let direction: Direction
    private let beta: Double

    convenience init(_ specification: ObjectiveSpecification) throws {
        try self.init(specification, direction: nil)
    }

    /// - Parameter direction: `nil` for the option.
    init(_ specification: ObjectiveSpecification, direction: Direction?) throws {
        let known =
            switch direction {
            case .reverse: Self.reverseOptions
            case .jensenShannon: Self.jensenShannonOptions
            case .forward, nil: Self.options
            }
        let options = try ObjectiveOptions(specification, known: known)
        name = specification.name
        temperature = try options.temperature()
        statesTemperature = specification.options["temperature"] != nil
        self.direction = try direction ?? options.choice("direction")
        guard specification.options["beta"] == nil || self.direction == .jensenShannon else {
            throw DistillationError("objective \(name): beta belongs to direction = jensen_shannon")
        }
        beta =
            self.direction == .jensenShannon
            ? try options.number("beta", "above 0 and below 1") { $0 > 0 && $0 < 1 } : 0.5
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireDistribution(for: name)
        // A vocabulary has many tokens that no text would have, which a high temperature brings up.
        if models.problemType.definition.predictsTokens, !statesTemperature { temperature = 1 }
        return ObjectiveNeeds(teacherLogits: true)
    }

    func term(at progress: Double) -> LossTerm {
        let temperature = temperature.value(at: progress)
        return switch direction {
        case .forward: LossTerm(.kl, temperature: temperature)
        case .reverse: LossTerm(.reverseKL, temperature: temperature)
        // As a term it has no factor T².
        case .jensenShannon:
            LossTerm(
                .jensenShannon(beta: beta), weight: temperature * temperature, temperature: temperature)
        }
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let logits = try SoftenedLogits(batch, temperature: temperature)
        let (target, prediction) = (logits.teacher, logits.student)
        switch direction {
        case .forward:
            return try prediction.klDivergenceBatchMean(logTarget: target) * logits.factor
        case .reverse:
            return try target.klDivergenceBatchMean(logTarget: prediction) * logits.factor
        case .jensenShannon:
            let mixture = try Tensor.stacked([target + log(beta), prediction + log(1 - beta)]).logSumExp(0)
            let fromTeacher = try mixture.klDivergenceBatchMean(logTarget: target)
            let fromStudent = try mixture.klDivergenceBatchMean(logTarget: prediction)
            return try (fromTeacher * beta + fromStudent * (1 - beta)) * logits.factor
        }
    }
}
