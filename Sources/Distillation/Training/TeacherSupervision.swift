import Torch
import Transformers

/// The teacher's supervision of the training examples: its logits and, where objectives need it, the model.
public struct TeacherSupervision {
    /// The logits of one teacher, or the mean of several, computed once, before training: texts do not change between
    /// epochs, and the teacher is frozen and in evaluation mode, so running it again would give the same values.
    public let logits: any TeacherOutputs
    /// The frozen model that runs with the student where objectives compare layers, or inputs are augmented; it reads the
    /// student's tokens.
    public let model: TransformerModel?
    /// The precision of the teacher when it runs with the student.
    public let precision: Precision
    /// The reason why ``model`` is `nil`, worded to end a sentence.
    public let tokensDiffer: String?
    /// (V, H) A language model's output layer, with which ``logits``, rows of ``states``, are its distribution; `nil` for other
    /// models.
    let outputWeight: Tensor?
    /// The form of a language model's ``logits``.
    let states: TeacherStateCoding
    /// What the teacher's vectors are projected to in ``logits``; `nil` where they are as the model gives them.
    let components: PrincipalComponents?
    /// True if ``logits`` are the teacher's own, not the logarithms of its probabilities.
    let hasLogits: Bool
    /// True if ``logits`` are scores of a query's documents, and the student gives texts vectors.
    let scoresPairs: Bool
    /// The teacher's tokens that the student has, where these are some of them; `nil` where both number them alike.
    var vocabulary: TeacherVocabulary?
    /// The spans of text that are compared where the teacher has a tokenizer of its own; `nil` where it reads the student's tokens.
    var spans: TeacherSpans?
    /// True if the teacher's outputs for the validation data are known too.
    var isEvaluated = true

    public init(
        logits: any TeacherOutputs, model: TransformerModel? = nil,
        precision: Precision = .float32, tokensDiffer: String? = nil
    ) {
        self.init(
            logits: logits, model: model, precision: precision, tokensDiffer: tokensDiffer,
            outputWeight: nil)
    }

    init(
        logits: any TeacherOutputs, model: TransformerModel?, precision: Precision = .float32,
        tokensDiffer: String?, outputWeight: Tensor?, states: TeacherStateCoding = .float32,
        hasLogits: Bool = true, components: PrincipalComponents? = nil, scoresPairs: Bool = false
    ) {
        self.logits = logits
        self.scoresPairs = scoresPairs
        self.components = components
        self.outputWeight = outputWeight
        self.states = states
        self.hasLogits = hasLogits
        self.model = model
        self.precision = precision
        self.tokensDiffer =
            tokensDiffer ?? (model == nil ? "only the teacher's logits are given" : nil)
    }

    /// The distributions of a language model's rows; `nil` for another model.
    ///
    /// - Parameter isLive: True if the rows are those of texts that the model has read now, which are kept in no form.
    func distribution(in rows: Tensor, isLive: Bool = false) throws -> TeacherDistribution? {
        try outputWeight.map {
            try TeacherStates(states: logits, coding: isLive ? .float32 : states, weight: $0)
                .distribution(in: rows)
        }
    }

    /// Returns the teacher's logits for a batch, and the layer outputs that the objectives read.
    func outputs(for batch: Batch, _ needs: ObjectiveNeeds, device: Device) throws -> (
        logits: Tensor, outputs: ModelOutput?
    ) {
        if batch.isStudentText {
            guard let model else { throw DistillationError("no teacher reads the student's texts") }
            let outputs = try features(of: model, batch, needs, stops: true)
            return (try outputs.rows.to(.float32), outputs)
        }
        if let outputWeight {
            let states = TeacherStates(states: logits, coding: states, weight: outputWeight)
            let outputs =
                try needs.teacherFeatures
                ? model.map { try features(of: $0, batch, needs, stops: true) } : nil
            let rows = spans?.teacherRows(of: batch.indices) ?? batch.rows
            return (try states.tensor(of: rows, device: device), outputs)
        }
        guard needs.teacherFeatures || batch.isAugmented, let model else {
            return (try logits.tensor(batch.rows, device: device), nil)
        }
        let outputs = try features(of: model, batch, needs, stops: false)
        // An augmented text has outputs of its own, which no cache may store or provide.
        let logits = try batch.isAugmented ? live(outputs.logits) : logits.tensor(batch.rows, device: device)
        return (logits, outputs)
    }

    /// The outputs of a batch that is not in the cache.
    private func live(_ outputs: Tensor) throws -> Tensor { try components?(outputs) ?? outputs }

    private func features(
        of model: TransformerModel, _ batch: Batch, _ needs: ObjectiveNeeds, stops: Bool
    ) throws -> ModelOutput {
        let options = ForwardOptions(
            precision: precision,
            features: FeatureSelection(
                hiddenStates: needs.teacherHiddenStates, projections: needs.teacherProjections),
            stopsBeforeHead: stops)
        let input = vocabulary?.input(batch.input) ?? batch.input
        return try withNoGrad { try model(input, options) }
    }
}
