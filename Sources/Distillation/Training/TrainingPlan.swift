import Torch
import Transformers

/// The plan of a model's training: its objectives, data and stages.
struct TrainingPlan {
    let model: TransformerModel
    var stages: [TrainingStage]
    let registry: ObjectiveRegistry
    var train: EncodedDataset
    var validation: EncodedDataset
    /// The teacher's supervision of the training data, and its logits for the validation data where it has some; of a language
    /// model the states behind them.
    var teacher: (signals: TeacherSupervision, validation: Logits?, states: TeacherStates?)?
    /// A language model's teacher that only the evaluation compares with: of a baseline.
    var beside: TeacherStates?
    var augmentation: Augmentation?
    /// Writes the student's own texts; `nil` where the data's alone are trained on.
    var writer: StudentWriter?
    let arguments: TrainingArguments
    /// The precision of training.
    let precision: Precision
    /// The processes that train together; `nil` for this one alone.
    var processes: Processes?
    /// Evaluates the model by the documents that it finds; `nil` where no data for that are given.
    var retrieval: RetrievalEvaluator?

    /// Checks that a stage's objectives fit, before any work is done: prepares and drops them.
    func check(_ stage: TrainingStage) throws {
        _ = try TrainingPreparation(
            model: model, objectives: try objectives(of: stage), data: train, teacher: teacher?.signals,
            isBesideTeacher: beside != nil, augmentation: augmentation, arguments: stage.arguments(arguments),
            onPolicy: writer?.options)
    }

    /// Makes the trainer of a stage.
    func trainer(_ index: Int) throws -> Trainer {
        let stage = stages[index]
        var position = Trainer.Stage()
        position.stepsOfRun = stages.reduce(0) { $0 + length($1).steps }
        position.name = stages.count > 1 ? stage.name ?? String(index + 1) : nil
        for earlier in stages.prefix(index) {
            let (steps, epochs) = length(earlier)
            position.firstStep += steps
            position.firstEpoch += epochs
        }
        return try Trainer(
            model: model, objectives: try objectives(of: stage), data: train, teacher: teacher?.signals,
            isBesideTeacher: beside != nil, augmentation: augmentation,
            arguments: stage.arguments(arguments), precision: precision,
            stage: position, processes: processes, writer: writer)
    }

    private func objectives(of stage: TrainingStage) throws -> [WeightedObjective] {
        try stage.objectives.map {
            WeightedObjective(try registry.make($0), weight: $0.weight, texts: $0.texts)
        }
    }

    private func length(_ stage: TrainingStage) -> (steps: Int, epochs: Int) {
        let arguments = stage.arguments(arguments)
        let perEpoch = arguments.stepsPerEpoch(examples: train.unitCount)
        let steps = arguments.totalSteps(stepsPerEpoch: perEpoch)
        return (steps, (steps + perEpoch - 1) / perEpoch)
    }

    /// Computes the model's logits for the validation data, in float32, as any user of the saved model will.
    ///
    /// - Returns: `nil` where it was stopped.
    func validationLogits(shouldStop: () -> Bool) throws -> Logits? {
        try Inference.rows(
            .evaluating(model, beside: teacher?.states ?? beside), model, validation,
            batchSize: arguments.perDeviceEvalBatchSize, of: "the model in training",
            processes: processes, shouldStop: shouldStop)
    }

    /// Computes the model's logits for all of the validation data.
    func allValidationLogits() throws -> Logits {
        try Inference.allLogits(
            model, validation, batchSize: arguments.perDeviceEvalBatchSize,
            beside: teacher?.states ?? beside, of: "the model in training",
            processes: processes)
    }

    /// Computes the metrics of the model as it is, those of retrieval among them.
    ///
    /// - Parameter logits: Its logits for the validation data.
    /// - Returns: `nil` where it was stopped.
    func metrics(_ logits: Logits, shouldStop: () -> Bool) throws -> MetricValues? {
        var values = try metrics(logits)
        guard let retrieval else { return values }
        guard let found = try retrieval.metrics(model, shouldStop: shouldStop) else { return nil }
        for (name, value) in found.values.entries { values[name] = value }
        return values
    }

    /// Computes the metrics of logits for the validation data.
    func metrics(_ logits: Logits) throws -> MetricValues {
        try Evaluator.validation(logits, targets: validation.targets, teacher: teacher?.validation)
    }
}
