import Torch

/// An objective on the distribution of a row, which can be computed for a language model: over its whole vocabulary, in blocks of
/// tokens, together with all others (`FusedLoss`).
protocol VocabularyObjective: Objective {
    /// The term at a point of the run, with a weight of 1: its mean over the tokens is the objective's loss.
    ///
    /// - Parameter progress: The completed fraction of the run's, or the stage's, steps.
    func term(at progress: Double) throws -> LossTerm
}

/// An objective on what layers make of tokens, which fits encoders and decoders alike.
protocol TokenObjective: Objective {}

/// What the terms of a language model's loss read besides hidden states of its layers.
public struct VocabularyBatch {
    /// (V, H) The student's output layer, in the graph.
    let weight: Tensor
    /// The teacher's distributions of the same rows; `nil` where it has other rows.
    let teacher: TeacherDistribution?
    /// The type that matrices are multiplied in.
    let dtype: DType
    /// The spans that are compared with a teacher of another tokenizer; `nil` for other teachers.
    var spans: SpanBatch?
}

extension ObjectiveModels {
    /// What objectives for encoders do that language models have nothing for, as the middle of a sentence.
    private static let encoderObjectives: [String: String] = {
        let attention =
            "reads attention maps, which are not kept of a decoder with its rotations and windows"
        let examples = "compares a vector of each text, and a decoder has one of each token"
        return [
            "attention_kl": attention, "attention_score_mse": attention, "minilm": attention,
            "rkd_distance": examples, "rkd_angle": examples, "similarity_preserving": examples,
            "infonce": examples,
            "pkd": "reads a text's [CLS] token",
        ]
    }()

    /// - Throws: ``DistillationError`` where a language model's loss cannot have an objective as a term.
    func requireVocabulary(_ objective: any Objective) throws {
        if let vocabulary = objective as? any VocabularyObjective {
            try requireWhole(vocabulary)
            guard try !hasSpans || !vocabulary.term(at: 0).needsTeacher else {
                throw DistillationError(
                    "\(objective.name) compares the probabilities of the same tokens, but the teacher's tokenizer gives others than the "
                        + "student's; use gold or uld, which compare spans of text, with cross_entropy on the text itself "
                        + "(--objective gold --objective cross_entropy), or start the student from this teacher"
                )
            }
        }
        guard problemType.definition.predictsTokens, !(objective is any VocabularyObjective),
            !(objective is any TokenObjective)
        else { return }
        if let reason = Self.encoderObjectives[objective.name] {
            throw DistillationError(
                "\(objective.name) does not fit a language model: it \(reason); use hidden_mse or hidden_cosine on the layers' hidden "
                    + "states (layers = [1:2, 2:4]), minilm_v2 on their relations, or kl on the vocabulary")
        }
        throw DistillationError(
            "\(objective.name) does not fit a language model; use kl, reverse_kl, jensen_shannon, skew_kl, skew_reverse_kl, "
                + "total_variation, adaptive_kl or cross_entropy on the vocabulary, or hidden_mse, hidden_cosine, embedding_mse or "
                + "minilm_v2 on hidden states and relations")
    }

    /// - Throws: ``DistillationError`` where an objective needs more of the teacher than the most probable tokens.
    private func requireWhole(_ objective: any VocabularyObjective) throws {
        guard case .topK = teacherStates else { return }
        for progress in stride(from: 0, through: 1, by: 0.05) {
            let term = try objective.term(at: progress)
            if case .adaptiveKL = term.measure {
                throw DistillationError(
                    "\(objective.name) divides the teacher's whole distribution into head and tail, of which \(teacherStates) keeps "
                        + "a part; use kl or reverse_kl, or --teacher-states float16")
            }
            guard term.needsTeacher, term.temperature != 1 else { continue }
            throw DistillationError(
                "\(objective.name) has the temperature \(term.temperature), but what is left beside the teacher's most probable tokens "
                    + "(\(teacherStates)) is known at 1 alone; set temperature = 1, or use --teacher-states float16"
            )
        }
    }
}
