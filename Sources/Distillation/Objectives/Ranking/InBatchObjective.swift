import Torch
import Transformers

/// The cross-entropy of a query's own documents among those of all queries of the batch, mean over the queries: the others' documents
/// are negatives (InfoNCE; van den Oord et al., arXiv 1807.03748, equation 4). Of models for embeddings, which have a vector of each.
///
/// - `multiple_negatives_ranking`: the documents with a label above 0, each as much, are the right ones
///   (`MultipleNegativesRankingLoss` of sentence-transformers).
/// - `list_infonce`: the teacher's scores of the query's own documents, softened, say how right each is.
final class InBatchObjective: StandardObjective {
    static let labelOptions = [
        ObjectiveOption("similarity", default: "cos", "of vectors: dot product or cos"),
        ObjectiveOption("scale", default: "20", "multiplies the student's scores"),
    ]
    static let options = SoftenedScoring.options(labelOptions, temperature: "the teacher's scores")

    let name: String
    let unit = LossUnit.comparisons
    private var softened: SoftenedScoring

    convenience init(_ specification: ObjectiveSpecification) throws {
        try self.init(specification, .teacher)
    }

    init(_ specification: ObjectiveSpecification, _ source: ScoreSource) throws {
        name = specification.name
        softened = try SoftenedScoring(specification, source, Self.options, Self.labelOptions)
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        guard !models.problemType.definition.ranksDocuments else {
            throw DistillationError(
                "\(name) scores each query with all documents of a batch, which a cross-encoder does not read; use "
                    + (softened.source == .teacher ? "list_kl" : "list_net"))
        }
        return try softened.scoring.prepare(models, objective: name)
    }

    /// The queries that have a document to be right.
    func count(_ counts: LossCounts) -> Double {
        Double(counts.targets.groups?.compared(softened.source).count { isCounted($0) } ?? 0)
    }

    private func isCounted(_ values: [Float]) -> Bool {
        softened.source == .teacher ? !values.isEmpty : values.contains { $0 > 0 }
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let all = try softened.scoring.allScores(batch)
        let documents = all.values.count
        let temperature = softened.temperature(at: batch.progress)
        var targets = [Float](repeating: 0, count: all.counts.count * documents)
        var (start, counted) = (0, 0)
        for (query, count) in all.counts.enumerated() {
            let own = Array(all.values[start..<start + count])
            defer { start += count }
            guard isCounted(own) else { continue }
            counted += 1
            for (place, value) in probabilities(own, temperature).enumerated() {
                targets[query * documents + start + place] = value
            }
        }
        guard counted > 0 else { return try batch.student.logits.zeroInGraph() }
        let wanted = try Tensor(targets, shape: all.scores.shape, device: all.scores.device)
        return try (all.scores.logSoftmax() * wanted).sum().negated() / Double(counted)
    }

    /// How right each of a query's documents is.
    private func probabilities(_ values: [Float], _ temperature: Double) -> [Float] {
        guard softened.source == .teacher else {
            let right = Float(values.count { $0 > 0 })
            return values.map { $0 > 0 ? 1 / right : 0 }
        }
        return Logits.softmax(of: values.map { Double($0) / temperature }).map { Float($0) }
    }
}
