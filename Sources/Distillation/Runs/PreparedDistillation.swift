import Transformers

/// A prepared distillation: the data and the teacher's outputs, from which any number of students can be trained without
/// the teacher running again.
struct PreparedDistillation {
    let setup: DistillationSetup
    let outputs: TeacherRun.Outputs
    let augmentation: Augmentation?
    /// Writes the student's own texts; `nil` where the data's alone are trained on.
    let writer: StudentWriter?
    /// Evaluates students by the documents that they find; `nil` where no data for that are given.
    let retrieval: RetrievalEvaluator?
    /// The turn of a static student's table; `nil` of other students.
    private let tableFit: StaticFit?
    /// The student that the checks built, for the first run that needs it.
    private let checked: CheckedStudent
    /// The processes that train together; `nil` for this one alone.
    private let processes: Processes?

    /// - Parameters:
    ///   - student: As the checks built it, with the request's seed; `nil` to build it anew.
    ///   - retrieval: Evaluates students by the documents that they find; `nil` where no data for that are given.
    ///   - processes: The processes that train together; `nil` for this one alone.
    init(
        setup: DistillationSetup, outputs: TeacherRun.Outputs, student: StudentBuilder.Student? = nil,
        retrieval: RetrievalEvaluator? = nil, processes: Processes? = nil
    ) throws {
        self.retrieval = retrieval
        self.processes = processes
        self.setup = setup
        self.outputs = outputs
        checked = CheckedStudent(student)
        tableFit =
            setup.isStatic && setup.problemType.definition.embedsTexts
            ? StaticFit(outputs.train, setup.data.train) : nil
        augmentation = try setup.request.augmentation?.with(setup.tokenizer)
        writer = try StudentWriter(setup)
    }

    /// A freshly initialized student.
    func student(seed: UInt64) throws -> StudentBuilder.Student {
        let own = seed == setup.request.training.seed ? checked.take() : nil
        let student = try own ?? StudentBuilder(setup, seed: seed).build()
        try tableFit?.turn(student.model)
        return student
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

    /// The teacher's signals for training on some of the training examples.
    ///
    /// - Parameter indices: The examples' indices in the training data; `nil` for all.
    func signals(_ indices: [Int]? = nil) -> TeacherSupervision {
        let train = outputs.train
        let spans = setup.teachers.first?.spans
        let own = indices.map { spans?.teacherRows(of: $0) ?? setup.data.train.rows(of: $0) }
        var signals = TeacherSupervision(
            logits: own.map { TeacherOutputsSubset(base: train, indices: $0) } ?? train,
            model: setup.tokensDiffer == nil ? setup.teacher?.model : nil,
            precision: setup.request.precision, tokensDiffer: setup.tokensDiffer,
            outputWeight: setup.teacherHead, states: setup.request.teacherForm,
            hasLogits: setup.hasLogits, components: outputs.components,
            scoresPairs: setup.teachesPairScores)
        signals.isEvaluated = outputs.validation != nil
        signals.vocabulary = setup.teachers.first?.vocabulary
        signals.spans = indices.map { spans?.subset($0) } ?? spans
        return signals
    }

    /// The plan of training with the teacher.
    func plan(_ model: TransformerModel, _ arguments: TrainingArguments) -> TrainingPlan {
        let request = setup.request
        var plan = TrainingPlan(
            model: model, stages: request.plan(setup.problemType), registry: request.registry,
            train: setup.data.train, validation: setup.data.validation,
            teacher: (signals(), outputs.validation, outputs.validationStates), augmentation: augmentation,
            arguments: arguments,
            precision: request.precision.resolved(on: request.device), processes: processes)
        plan.retrieval = retrieval
        plan.writer = writer
        return plan
    }

    /// The plan of training the same student on the labels alone, in as many steps.
    func baseline(
        _ model: TransformerModel, _ arguments: TrainingArguments, steps: Int
    ) -> TrainingPlan {
        let request = setup.request
        var arguments = arguments
        arguments.maxSteps = steps
        if outputs.validationStates == nil, let name = arguments.metricForBestModel,
            (try? MetricName.forBest(name, problemType: setup.problemType, hasTeacher: false)) == nil
        {
            // Its evaluations know of no teacher; the task's own metric chooses.
            arguments.metricForBestModel = nil
        }
        let train = setup.data.train
        let labeled = (0..<train.count).filter { train.isLabeled($0) }
        return TrainingPlan(
            model: model, stages: [TrainingStage(objectives: [arguments.labelObjective(setup.problemType)])],
            registry: request.registry,
            train: labeled.count == train.count ? train : train.subset(labeled),
            validation: setup.data.validation, teacher: nil, beside: outputs.validationStates,
            augmentation: augmentation,
            arguments: arguments, precision: request.precision.resolved(on: request.device))
    }
}
