import Transformers

/// A student that was trained with one seed, and its baseline where one was requested.
struct Repetition {
    /// A model and the result of its training.
    struct Trained {
        let model: TransformerModel
        var outcome: TrainingOutcome
    }

    let seed: UInt64
    var student: Trained
    /// The baseline: the same student trained without the teacher.
    var baseline: Trained?
    /// The student's metrics before training, of the first seed of a student for embeddings.
    var initial: MetricValues?
}
