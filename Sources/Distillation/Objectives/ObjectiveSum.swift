import Torch
import Transformers

/// An objective and the weight of its loss.
public struct WeightedObjective {
    public let objective: any Objective
    public let weight: Schedule
    /// The texts that it is computed on; `nil` for all, of an objective on labels the data's.
    public let texts: ObjectiveTexts?

    public init(_ objective: any Objective, weight: Schedule = 1, texts: ObjectiveTexts? = nil) {
        self.objective = objective
        self.weight = weight
        self.texts = texts
    }
}

/// The weighted sum of objectives: the loss that a stage of training minimizes.
public final class ObjectiveSum {
    /// Each objective with its weight, and its name in logs: its own, with a number from the second of a name on.
    public let terms: [(objective: any Objective, weight: Schedule, name: String)]
    /// The outputs that all objectives together read.
    public let needs: ObjectiveNeeds
    /// For each objective, true if it reads hidden states or projections.
    private let featureTerms: [Bool]
    /// The texts that each objective is computed on.
    private let texts: [ObjectiveTexts]

    /// Prepares objectives for two models.
    ///
    /// - Parameters:
    ///   - objectives: The objectives with their weights.
    ///   - models: The two models.
    ///   - onPolicy: The fraction of steps on texts that the student writes; `nil` where it writes none.
    /// - Throws: ``DistillationError`` where there is none, a weight is negative or always 0, or one cannot be computed
    ///   for these models.
    public init(_ objectives: [WeightedObjective], models: ObjectiveModels, onPolicy: Double? = nil) throws {
        guard !objectives.isEmpty else { throw DistillationError("there are no objectives to train on") }
        var needs = ObjectiveNeeds()
        var counts: [String: Int] = [:]
        var (features, texts) = ([Bool](), [ObjectiveTexts]())
        terms = try objectives.map { term in
            let name = term.objective.name
            counts[name, default: 0] += 1
            guard term.weight.extremes.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
                throw DistillationError("objective \(name): weight must be 0 or more, got \(term.weight)")
            }
            let own = try term.objective.prepare(models)
            try models.requireVocabulary(term.objective)
            needs.formUnion(own)
            texts.append(try Self.texts(of: term, own))
            features.append(!own.studentHiddenStates.isEmpty || !own.studentProjections.isEmpty)
            let occurrence = counts[name, default: 1]
            return (term.objective, term.weight, occurrence == 1 ? name : "\(name)_\(occurrence)")
        }
        guard terms.contains(where: { $0.weight.extremes.contains { $0 > 0 } }) else {
            throw DistillationError("the weights of all objectives are 0; give one a weight above 0")
        }
        self.needs = needs
        featureTerms = features
        self.texts = texts
        if let onPolicy { try requireTerms(onPolicy: onPolicy) }
    }

    /// The texts that an objective is computed on: the student's have no labels.
    ///
    /// - Throws: ``DistillationError`` for an objective on labels that is to be computed on the student's.
    private static func texts(of term: WeightedObjective, _ needs: ObjectiveNeeds) throws -> ObjectiveTexts {
        guard needs.labels else { return term.texts ?? .all }
        guard term.texts ?? .data == .data else {
            throw DistillationError(
                "objective \(term.objective.name): texts = \(term.texts?.rawValue ?? "") asks for labels of the student's texts, which are "
                    + "its own choice; leave texts out, and they count on the data's alone")
        }
        return .data
    }

    /// - Throws: ``DistillationError`` where steps on the data's or on the student's texts would have no loss.
    private func requireTerms(onPolicy: Double) throws {
        let names = terms.map(\.name).joined(separator: ", ")
        guard onPolicy == 0 || texts.contains(where: { $0.include(student: true) }) else {
            throw DistillationError(
                "on_policy: none of the objectives (\(names)) is computed on the student's texts; add jensen_shannon, reverse_kl or another "
                    + "that compares it with its teacher")
        }
        guard onPolicy == 1 || texts.contains(where: { $0.include(student: false) }) else {
            throw DistillationError(
                "on_policy is \(onPolicy), but the objectives (\(names)) are computed on the student's texts alone; add one for the data's, "
                    + "or set on_policy to 1")
        }
    }

    /// An objective's loss; 0 where a batch has no row, of which there is no mean.
    private static func loss(_ objective: any Objective, _ batch: ObjectiveBatch) throws -> Tensor {
        let rows = batch.student.rows
        return rows.shape.first == 0 ? try rows.zeroInGraph() : try objective.loss(batch)
    }

    /// - Throws: ``DistillationError`` for a loss of several numbers.
    private static func scalar(_ loss: Tensor, _ name: String) throws -> Tensor {
        guard loss.count == 1 else {
            throw DistillationError("objective \(name): its loss has the shape \(loss.shape); give a scalar")
        }
        return loss
    }

    /// Returns the divisor of each term's loss for a micro-batch.
    public func counts(_ counts: LossCounts) -> [Double] { terms.map { $0.objective.count(counts) } }

    /// The fraction of each of several micro-batches, for each term, so that together they give the loss of one step.
    ///
    /// - Parameter counts: Of each micro-batch, as ``counts(_:)`` gives them.
    public static func fractions(_ counts: [[Double]]) -> [[Double]] {
        guard counts.count > 1 else { return counts.map { $0.map { _ in 1 } } }
        let totals = counts.dropFirst().reduce(counts[0]) { zip($0, $1).map(+) }
        return counts.map { own in
            zip(own, totals).map { $1 > 0 ? $0 / $1 : 1 / Double(counts.count) }
        }
    }

    /// The loss of a micro-batch.
    ///
    /// - Parameters:
    ///   - batch: What the two models put out.
    ///   - fractions: What part of the step each term's loss counts for, as ``fractions(_:)`` gives them; `nil` for a step
    ///     of one micro-batch.
    ///   - wholes: The same for the whole micro-batch, of which this is one process's part: losses that compare examples are
    ///     those of the whole in every process.
    ///
    /// An objective whose weight is 0 at this point is only watched, and left out where it would read layers.
    public func callAsFunction(_ batch: ObjectiveBatch, fractions: [Double]? = nil, wholes: [Double]? = nil)
        throws
        -> LossTerms
    {
        let vocabulary = try vocabularyLoss(batch, fractions)
        var (total, counted) = (vocabulary?.total, try vocabulary?.total.detached())
        var parts: [(name: String, loss: Tensor)] = []
        for (index, term) in terms.enumerated() where texts[index].include(student: batch.isStudentText) {
            let weight = term.weight.value(at: batch.progress)
            if let mean = vocabulary?.means[index] {
                parts.append((term.name, mean))
                continue
            }
            guard weight != 0 else {
                if !featureTerms[index] {
                    parts.append(
                        (
                            term.name,
                            try Self.scalar(withNoGrad { try Self.loss(term.objective, batch) }, term.name)
                        )
                    )
                }
                continue
            }
            let loss = try Self.loss(term.objective, batch)
            parts.append((term.name, try Self.scalar(loss.detached(), term.name)))
            let own = weight * (fractions?[index] ?? 1)
            let factor = term.objective.unit == .comparisons ? weight * (wholes?[index] ?? own / weight) : own
            let weighted = try factor == 1 ? loss : loss * factor
            total = try total.map { try $0 + weighted } ?? weighted
            let part = try own == factor ? weighted.detached() : loss.detached() * own
            counted = try counted.map { try $0 + part } ?? part
        }
        // All weights are 0 at this point of a schedule: the step changes nothing.
        let sum = try total ?? batch.student.rows.sum() * 0
        return LossTerms(
            total: sum, counted: try counted ?? sum.detached(), terms: parts,
            statistics: vocabulary?.statistics)
    }

    /// The terms of a language model's loss that are computed together, with the mean of each by its index among all; `nil` for
    /// another model.
    private func vocabularyLoss(_ batch: ObjectiveBatch, _ fractions: [Double]?) throws
        -> (total: Tensor, means: [Int: Tensor], statistics: Tensor)?
    {
        guard batch.vocabulary != nil else { return nil }
        var (indices, parts, factors) = ([Int](), [LossTerm](), [Double]())
        for (index, term) in terms.enumerated() {
            guard let objective = term.objective as? any VocabularyObjective,
                texts[index].include(student: batch.isStudentText)
            else { continue }
            indices.append(index)
            parts.append(try objective.term(at: batch.progress))
            factors.append(term.weight.value(at: batch.progress) * (fractions?[index] ?? 1))
        }
        // Hidden states alone are compared: the cross-entropy is told, and counts for nothing.
        let isWatched = parts.isEmpty
        let loss = try VocabularyLoss(
            batch, terms: isWatched ? [LossTerm(.crossEntropy)] : parts, factors: isWatched ? [0] : factors)
        let means = Dictionary(zip(indices, loss.means)) { first, _ in first }
        return (loss.total, means, loss.statistics)
    }
}
