import Torch
import Transformers

/// A stage's objectives, prepared for the models and the data: everything in a training that can be refused before its
/// first step, without the memory of the optimizer.
struct TrainingPreparation {
    let objectives: ObjectiveSum
    /// Parameters that the objectives train in addition to the model's, and drop at the end.
    let learned: ParameterStore
    /// The metric by which the best checkpoint is chosen.
    let metricForBest: MetricName

    /// - Parameter isBesideTeacher: True if evaluations compare the model with a teacher, even one that teaches nothing.
    /// - Throws: ``DistillationError`` for arguments out of range, empty data, or objectives that do not fit.
    init(
        model: TransformerModel, objectives: [WeightedObjective], data: EncodedDataset,
        teacher: TeacherSupervision?, isBesideTeacher: Bool = false, augmentation: Augmentation?,
        arguments: TrainingArguments, onPolicy: OnPolicyOptions? = nil
    ) throws {
        try arguments.validate()
        guard (arguments.lora == nil) == (model.adapters == nil) else {
            throw DistillationError(
                "the model must have adapters if its training has options for them, and else none")
        }
        guard data.count > 0 else { throw DistillationError("the training data is empty") }
        learned = ParameterStore()
        var models = ObjectiveModels(
            student: model.configuration, teacher: teacher?.model?.configuration ?? model.configuration,
            tokensDiffer: teacher.map(\.tokensDiffer) ?? "there is no teacher",
            problemType: data.problemType, classCounts: data.classCounts,
            batchSize: arguments.perDeviceTrainBatchSize * data.largestUnit, exampleCount: data.count,
            learned: ParameterScope(
                store: learned, source: nil, seed: arguments.seed, device: model.device),
            teacherStates: teacher?.states ?? .float32,
            hasTeacherLogits: teacher?.hasLogits ?? true, teacherWidth: teacher?.logits.classes,
            groups: .init(
                areThere: data.hasGroups,
                hasLists: data.largestUnit > (data.problemType.embedsTexts ? 2 : 1),
                teacherScoresPairs: teacher?.scoresPairs ?? false))
        models.hasSpans = teacher?.spans != nil
        self.objectives = try ObjectiveSum(objectives, models: models, onPolicy: onPolicy?.fraction)
        guard onPolicy == nil || teacher?.model != nil else {
            throw DistillationError(
                "on_policy: the teacher cannot read what the student writes, as \(teacher?.tokensDiffer ?? "there is none"); leave it out"
            )
        }
        guard teacher != nil || !self.objectives.needs.teacherLogits else {
            throw DistillationError(
                "the objectives (\(self.objectives.terms.map(\.name).joined(separator: ", "))) need a teacher"
            )
        }
        guard augmentation == nil || teacher == nil || teacher?.model != nil else {
            throw DistillationError(
                "augmented texts need the teacher's outputs for them, but \(teacher?.tokensDiffer ?? ""); "
                    + "leave augmentation out")
        }
        guard augmentation == nil || !data.problemType.predictsTokens else {
            throw DistillationError(
                "augmentation masks and leaves out words, which a language model is to predict; leave it out")
        }
        guard augmentation == nil || !data.hasWordRows else {
            throw DistillationError(
                "augmentation masks and leaves out words, whose tags would no longer fit; leave it out for token classification"
            )
        }
        // Vectors of two widths have no angle between them.
        let isNearTeacher =
            !data.problemType.embedsTexts || teacher?.logits.classes == model.configuration.outputCount
            || teacher?.scoresPairs == true
        metricForBest = try MetricName.forBest(
            arguments.metricForBestModel, problemType: data.problemType,
            hasTeacher: (teacher?.isEvaluated == true || isBesideTeacher) && isNearTeacher)
    }
}
