import Torch

extension StudentBuilder {
    /// A builder of students of a model.
    init(
        options: StudentOptions, teacher: LoadedModel, seed: UInt64, device: Device,
        quantizeAware: Bool = false, projection: TeacherProjection? = nil
    ) {
        self.init(
            options: options, teacher: teacher, labelNames: teacher.labels.names,
            task: teacher.model.configuration.task, seed: seed, device: device, quantizeAware: quantizeAware,
            projection: projection)
    }

    init(_ setup: DistillationSetup, seed: UInt64) {
        self.init(
            options: setup.request.student, teacher: setup.teacher, labelNames: setup.labelNames,
            task: setup.problemType, seed: seed, device: setup.request.device,
            quantizeAware: setup.request.quantizeAware, quantizeAwareType: setup.request.quantizeAwareType,
            maxLength: setup.data.maxLength,
            projection: setup.projection, lora: setup.request.training.lora,
            joinedWidth: setup.teachers.count > 1 ? setup.teacherWidth : nil,
            vocabulary: setup.trimmed?.vocabulary)
    }
}
