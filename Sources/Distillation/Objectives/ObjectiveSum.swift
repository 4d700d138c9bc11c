import Torch
import Transformers

/// An objective and what its loss is multiplied with.
public struct WeightedObjective {
    public let objective: any Objective
    public let weight: Schedule

    public init(_ objective: any Objective, weight: Schedule = 1) {
        self.objective = objective
        self.weight = weight
    }
}

/// The weighted sum of objectives: what a stage of training minimises.
public final class ObjectiveSum {
    /// Each objective with its weight, and its name in logs: its own, with a number from the second of a name on.
    public let terms: [(objective: any Objective, weight: Schedule, name: String)]
    /// What all objectives together read.
    public let needs: ObjectiveNeeds
    /// What of it each objective reads.
    private let featureTerms: [Bool]

    /// Prepares objectives for two models.
    ///
    /// - Throws: ``DistillationError`` where there is none, a weight is negative or always 0, or one cannot be computed
    ///   for these models.
    public init(_ objectives: [WeightedObjective], models: ObjectiveModels) throws {
        guard !objectives.isEmpty else { throw DistillationError("there are no objectives to train on") }
        var needs = ObjectiveNeeds()
        var counts: [String: Int] = [:]
        var features: [Bool] = []
        terms = try objectives.map { term in
            let name = term.objective.name
            counts[name, default: 0] += 1
            guard term.weight.extremes.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
                throw DistillationError("objective \(name): weight must be 0 or more, got \(term.weight)")
            }
            let own = try term.objective.prepare(models)
            needs.formUnion(own)
            features.append(!own.studentHiddenStates.isEmpty || !own.studentProjections.isEmpty)
            let place = counts[name, default: 1]
            return (term.objective, term.weight, place == 1 ? name : "\(name)_\(place)")
        }
        guard terms.contains(where: { $0.weight.extremes.contains { $0 > 0 } }) else {
            throw DistillationError("the weights of all objectives are 0; give one a weight above 0")
        }
        self.needs = needs
        featureTerms = features
    }

    /// - Throws: ``DistillationError`` for a loss of several numbers.
    private static func scalar(_ loss: Tensor, _ name: String) throws -> Tensor {
        guard loss.count == 1 else {
            throw DistillationError("objective \(name): its loss has the shape \(loss.shape); give a scalar")
        }
        return loss
    }

    /// The loss of a batch.
    ///
    /// An objective whose weight is 0 at this point is only watched, and left out where it would read layers.
    public func callAsFunction(_ batch: ObjectiveBatch) throws -> LossTerms {
        var total: Tensor?
        var parts: [(name: String, loss: Tensor)] = []
        for (index, term) in terms.enumerated() {
            let weight = term.weight.value(at: batch.progress)
            guard weight != 0 else {
                if !featureTerms[index] {
                    parts.append(
                        (term.name, try Self.scalar(withNoGrad { try term.objective.loss(batch) }, term.name))
                    )
                }
                continue
            }
            let loss = try term.objective.loss(batch)
            parts.append((term.name, try Self.scalar(loss.detached(), term.name)))
            let weighted = try weight == 1 ? loss : loss * weight
            total = try total.map { try $0 + weighted } ?? weighted
        }
        // All weights 0 at this point of a schedule: a step that changes nothing.
        return LossTerms(total: try total ?? batch.student.logits.sum() * 0, terms: parts)
    }
}
