import Foundation
import Torch

/// KL(teacher ‖ student) of the attention probabilities, mean over heads, query tokens, and pairs of layers (Sun et
/// al., "MobileBERT", arXiv 2004.02984, section 3). With `heads = match`, of each side's mean probabilities over its
/// heads.
final class AttentionKLObjective: StandardObjective {
    static let options = AttentionComparison.options

    let name: String
    let unit = LossUnit.tokens
    private var comparison: AttentionComparison

    init(_ specification: ObjectiveSpecification) throws {
        comparison = try AttentionComparison(ObjectiveOptions(specification, known: Self.options))
        name = specification.name
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try comparison.prepare(models, objective: name)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        try comparison.mean(batch, objective: name) {
            [matching = comparison.matching] attention, student, teacher in
            func side(_ scores: Tensor) throws -> Tensor {
                let logs = try attention.logProbabilities(scores)
                guard matching == .match else { return logs }
                // The logarithm of the mean, which no probability of 0 makes infinite.
                return try logs.logSumExp(1, keepDimensions: true) - log(Double(logs.size(1)))
            }
            let target = try withNoGrad { try side(teacher) }
            return try attention.divergence(student: side(student), teacher: target)
        }
    }
}
