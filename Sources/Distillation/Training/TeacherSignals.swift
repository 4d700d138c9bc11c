import Torch
import Transformers

/// What the teacher says about the training examples.
public struct TeacherSignals {
    /// Computed once, before training: texts do not change between epochs, and the teacher is frozen and in evaluation
    /// mode, so running it again would give the same numbers. Of one teacher, or the mean of several.
    public let logits: any TeacherOutputs
    /// Runs beside the student where objectives compare layers, or inputs are augmented: a frozen model that reads the
    /// student's tokens.
    public let model: TransformerModel?
    /// What the teacher computes with beside the student.
    public let precision: Precision
    /// Why ``model`` is `nil`: words that end a sentence.
    public let tokensDiffer: String?

    public init(
        logits: any TeacherOutputs, model: TransformerModel? = nil,
        precision: Precision = .float32, tokensDiffer: String? = nil
    ) {
        self.logits = logits
        self.model = model
        self.precision = precision
        self.tokensDiffer =
            tokensDiffer ?? (model == nil ? "only the teacher's logits are given" : nil)
    }

    /// The teacher's logits for a batch, and what the objectives read of its layers.
    func outputs(for batch: Batch, _ needs: ObjectiveNeeds, device: Device) throws -> (
        logits: Tensor, outputs: ModelOutput?
    ) {
        guard needs.teacherFeatures || batch.isAugmented, let model else {
            return (try logits.tensor(batch.rows, device: device), nil)
        }
        let options = ForwardOptions(
            precision: precision,
            features: FeatureSelection(
                hiddenStates: needs.teacherHiddenStates, projections: needs.teacherProjections))
        let outputs = try withNoGrad { try model(batch.input, options) }
        // An augmented text has outputs of its own, which no cache may hold or give.
        let logits = try batch.isAugmented ? outputs.logits : logits.tensor(batch.rows, device: device)
        return (logits, outputs)
    }
}
