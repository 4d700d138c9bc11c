import Torch

/// An objective on the distribution of a row, which can be computed for a language model: over its whole vocabulary, in blocks of
/// tokens, together with all others (`FusedLoss`).
protocol VocabularyObjective: Objective {
    /// The term at a point of the run, with a weight of 1: its mean over the tokens is the objective's loss.
    ///
    /// - Parameter progress: The completed fraction of the run's, or the stage's, steps.
    func term(at progress: Double) throws -> LossTerm
}

/// An objective on hidden states token by token, which fits encoders and decoders alike.
protocol TokenObjective: Objective {}

/// What the terms of a language model's loss read besides hidden states of its layers.
public struct VocabularyBatch {
    /// (V, H) The student's output layer, in the graph.
    let weight: Tensor
    /// The teacher's last hidden states of the same rows, and its output layer.
    let teacher: FusedLoss.Head?
    /// The type that matrices are multiplied in.
    let dtype: DType
}

extension ObjectiveModels {
    /// - Throws: ``DistillationError`` where a language model's loss cannot have an objective as a term.
    func requireVocabulary(_ objective: any Objective) throws {
        guard problemType.definition.predictsTokens, !(objective is any VocabularyObjective),
            !(objective is any TokenObjective)
        else { return }
        throw DistillationError(
            "\(objective.name) does not fit a language model; use kl, reverse_kl, jensen_shannon, skew_kl, skew_reverse_kl, "
                + "total_variation, adaptive_kl or cross_entropy on the vocabulary, or hidden_mse, hidden_cosine or embedding_mse on "
                + "hidden states")
    }
}
