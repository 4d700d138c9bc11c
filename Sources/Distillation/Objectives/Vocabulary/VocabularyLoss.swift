import Torch
import Transformers

/// The terms of a language model's loss, computed together.
struct VocabularyLoss {
    /// Σ over terms of factor × mean, in the graph.
    let total: Tensor
    /// Each term's mean over the tokens, detached.
    let means: [Tensor]
    /// (R, columns) What is told of each token.
    let statistics: Tensor

    /// - Parameters:
    ///   - terms: With a weight of 1.
    ///   - factors: What each term's mean counts for.
    /// - Throws: ``DistillationError`` where the batch is of no language model.
    init(_ batch: ObjectiveBatch, terms: [LossTerm], factors: [Double]) throws {
        guard let vocabulary = batch.vocabulary else {
            throw DistillationError("the batch is of no language model")
        }
        let count = try batch.student.rows.size(0)
        // Without a row there is nothing to sum, and the mean is 0.
        let tokens = Double(max(1, count))
        let weighted = zip(terms, factors).map {
            LossTerm($0.measure, weight: $0.weight * $1 / tokens, temperature: $0.temperature)
        }
        let loss = try FusedLoss(
            student: .init(hidden: batch.student.rows, weight: vocabulary.weight),
            teacher: vocabulary.teacher?.head, outcomes: vocabulary.teacher?.outcomes,
            targets: batch.labels.targets, terms: weighted,
            dtype: vocabulary.dtype, statistics: true)
        guard let table = try loss.statistics?.table else {
            throw DistillationError("the loss told nothing of its tokens")
        }
        total = loss.loss
        statistics = table
        // On the device: nothing waits for it.
        means = try terms.enumerated().map { index, term in
            try (loss.sums[index..<index + 1] * term.weight / tokens).to(.float32).sum()
        }
    }
}
