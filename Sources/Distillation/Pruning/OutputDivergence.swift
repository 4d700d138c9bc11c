import Torch
import Transformers

/// How far models' outputs are from an original's on some examples, without labels.
package struct OutputDivergence {
    /// A model's distance from the original.
    package struct Value: Sendable, Equatable {
        /// The mean KL(original ‖ model) of a token, or of an example's classes; of numbers and vectors the mean squared difference.
        package let distance: Double
        /// What ``distance`` is: `kl`, or `teacher_mse`.
        package let measure: MetricName
        /// The fraction of tokens or examples for which both hold the same for the most probable; of numbers and vectors the
        /// correlation or the cosine.
        package let agreement: Double
    }

    private let dataset: EncodedDataset
    private let batchSize: Int
    private let shouldStop: () -> Bool
    /// The original's outputs; `nil` of a language model.
    private let reference: Logits?
    /// A language model's last hidden states and output layer.
    private let states: TeacherStates?

    /// - Throws: ``InterruptedError`` where `shouldStop` became true; ``DistillationError`` where nothing can be compared.
    package init(
        _ original: TransformerModel, on dataset: EncodedDataset, batchSize: Int = 16,
        shouldStop: @escaping () -> Bool = { false }
    ) throws {
        (self.dataset, self.batchSize, self.shouldStop) = (dataset, batchSize, shouldStop)
        guard dataset.rowCount > 0 else {
            throw DistillationError("there are no texts to compare models on; give some")
        }
        guard original.configuration.task.predictsTokens else {
            reference = try Inference.allLogits(
                original, dataset, batchSize: batchSize, shouldStop: shouldStop)
            states = nil
            return
        }
        reference = nil
        let rows = try Inference.rows(
            .teaching(original, as: .float32), original, dataset, batchSize: batchSize, shouldStop: shouldStop
        )
        guard let rows else { throw InterruptedError() }
        states = TeacherStates(states: rows, coding: .float32, weight: try original.languageModelHead)
    }

    /// Compares a model, whose vocabulary or classes are the original's.
    ///
    /// - Throws: ``InterruptedError``; ``DistillationError`` for other outputs.
    package func callAsFunction(_ model: TransformerModel) throws -> Value {
        let outputs = try Inference.allLogits(
            model, dataset, batchSize: batchSize, beside: states, shouldStop: shouldStop)
        let values = try dataset.problemType.outputs.compare(student: outputs, teacher: reference ?? outputs)
        for measure in [MetricName.kl, .teacherMSE] {
            guard let distance = values[measure] else { continue }
            return Value(distance: distance, measure: measure, agreement: values[.agreement] ?? 0)
        }
        throw DistillationError("the pruned model's outputs cannot be compared with the original's")
    }
}
