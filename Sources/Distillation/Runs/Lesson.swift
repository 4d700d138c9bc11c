import Transformers

/// What any number of students can learn from without the teacher running again: its outputs and the data.
struct Lesson {
    let setup: DistillationSetup
    let outputs: TeacherRun.Outputs
    let augmentation: Augmentation?
    /// The student that the checks built, for the first run that needs it.
    private let checked: CheckedStudent

    /// - Parameter student: As the checks built it, with the request's seed; `nil` to build it anew.
    init(setup: DistillationSetup, outputs: TeacherRun.Outputs, student: StudentBuilder.Student? = nil) throws
    {
        self.setup = setup
        self.outputs = outputs
        checked = CheckedStudent(student)
        augmentation = try setup.request.augmentation?.with(setup.tokenizer)
    }

    /// A student as it begins.
    func student(seed: UInt64) throws -> StudentBuilder.Student {
        if seed == setup.request.training.seed, let student = checked.take() { return student }
        return try StudentBuilder(setup, seed: seed).build()
    }

    /// A student that is handed out once, as training changes it.
    private final class CheckedStudent {
        private var student: StudentBuilder.Student?
        init(_ student: StudentBuilder.Student?) { self.student = student }
        func take() -> StudentBuilder.Student? {
            defer { student = nil }
            return student
        }
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
    func plan(_ model: TransformerModel, _ arguments: TrainingArguments) -> TrainingPlan {
        let request = setup.request
        return TrainingPlan(
            model: model, stages: request.plan(setup.problemType), registry: request.registry,
            train: setup.data.train, validation: setup.data.validation,
            teacher: (signals(), outputs.validation), augmentation: augmentation, arguments: arguments,
            precision: request.precision.resolved(on: request.device))
    }

    /// Training of the same student by the labels alone, in as many steps.
    func baseline(
        _ model: TransformerModel, _ arguments: TrainingArguments, steps: Int
    ) -> TrainingPlan {
        let request = setup.request
        var arguments = arguments
        arguments.maxSteps = steps
        let train = setup.data.train
        let labelled = (0..<train.count).filter { train.isLabelled($0) }
        return TrainingPlan(
            model: model, stages: [TrainingStage(objectives: [arguments.labelObjective(setup.problemType)])],
            registry: request.registry,
            train: labelled.count == train.count ? train : train.subset(labelled),
            validation: setup.data.validation, teacher: nil, augmentation: augmentation,
            arguments: arguments, precision: request.precision.resolved(on: request.device))
    }
}
