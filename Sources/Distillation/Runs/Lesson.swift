import Transformers

/// What any number of students can learn from without the teacher running again: its outputs and the data.
struct Lesson {
    let setup: DistillationSetup
    let outputs: TeacherRun.Outputs
    let augmentation: Augmentation?

    init(setup: DistillationSetup, outputs: TeacherRun.Outputs) throws {
        self.setup = setup
        self.outputs = outputs
        augmentation = try setup.request.augmentation?.with(setup.tokenizer)
    }

    func student(seed: UInt64) throws -> StudentBuilder.Student {
        try StudentBuilder(setup, seed: seed).build()
    }

    /// The teacher's side of training on some of the training examples.
    func signals(_ places: [Int]? = nil) -> TeacherSignals {
        let train = outputs.train
        return TeacherSignals(
            logits: places.map { TeacherOutputsSubset(base: train, indices: setup.data.train.rows(of: $0)) }
                ?? train,
            model: setup.tokensDiffer == nil ? setup.teacher.model : nil,
            precision: setup.request.precision, tokensDiffer: setup.tokensDiffer)
    }

    /// Training with the teacher.
    func session(_ model: TransformerModel, _ arguments: TrainingArguments) -> TrainingSession {
        let request = setup.request
        return TrainingSession(
            model: model, stages: request.plan(setup.problemType), registry: request.registry,
            train: setup.data.train, validation: setup.data.validation,
            teacher: (signals(), outputs.validation), augmentation: augmentation, arguments: arguments,
            precision: request.precision.resolved(on: request.device))
    }

    /// Training of the same student by the labels alone, in as many steps.
    func baseline(
        _ model: TransformerModel, _ arguments: TrainingArguments, steps: Int
    ) -> TrainingSession {
        let request = setup.request
        var arguments = arguments
        arguments.maxSteps = steps
        let train = setup.data.train
        let labelled = (0..<train.count).filter { train.isLabelled($0) }
        return TrainingSession(
            model: model, stages: [TrainingStage(objectives: [arguments.labelObjective(setup.problemType)])],
            registry: request.registry,
            train: labelled.count == train.count ? train : train.subset(labelled),
            validation: setup.data.validation, teacher: nil, augmentation: augmentation,
            arguments: arguments, precision: request.precision.resolved(on: request.device))
    }
}
