import Datasets
import Foundation
import Torch
import Transformers

/// Trains the students of a search. What trials share is done once: the data are read, and the teacher's outputs
/// computed, for the first trial that needs them, so that a trial costs the student's training alone.
///
/// With several folds the training data are cut into them, and each is judged on by students trained on the others;
/// examples without a label are in all students' training data. With one fold the run's validation data judge.
public final class TuningTrials {
    public let folds: Int
    public let seed: UInt64
    /// The metric that a trial's result is.
    public let metric: String
    private let onEvent: (RunEvent) -> Void
    private let shouldStop: () -> Bool
    private var lessons: [(key: Key, lesson: Lesson)] = []

    /// - Parameters:
    ///   - folds: 1 judges on the validation data.
    ///   - seed: Decides the folds.
    ///   - metric: What a trial's result is.
    ///   - onEvent: Is told of what trials share: reading data, the teacher's outputs, warnings.
    ///   - shouldStop: Asked often.
    public init(
        folds: Int, seed: UInt64, metric: String, onEvent: @escaping (RunEvent) -> Void = { _ in },
        shouldStop: @escaping () -> Bool = { false }
    ) {
        self.folds = folds
        self.seed = seed
        self.metric = metric
        self.onEvent = onEvent
        self.shouldStop = shouldStop
    }

    /// The parts of a request that decide data and teachers' outputs.
    private struct Key: Equatable {
        let teachers: [TeacherRequest]
        let combination: TeacherCombination
        let data: DataRequest
        let student: URL?
        let precision: Precision
        let split: UInt64
    }

    /// Trains a student on all folds but one, and judges it on that one.
    ///
    /// - Parameters:
    ///   - request: The trial's run; where it saves, baselines and repetitions do not matter.
    ///   - fold: Which fold is held back, from 0.
    ///   - budget: The share of the run's training, above 0 and at most 1.
    /// - Throws: ``InterruptedError`` where it was stopped; ``NonFiniteLossError`` where training diverged; whatever is
    ///   wrong with the request.
    public func run(_ request: DistillRequest, fold: Int, budget: Double) throws -> TrialResult {
        let start = Date()
        let findings = Findings()
        try request.validate(findings)
        try findings.throwErrors()
        let lesson = try lesson(for: request)
        let name = try MetricName.forBest(
            metric, problemType: lesson.setup.problemType, hasTeacher: true)
        let student = try lesson.student(seed: request.training.seed)
        var session = lesson.session(student.model, request.training.scaled(by: budget))
        session.stages = session.stages.map { $0.scaled(by: budget) }
        if folds > 1 { try hold(fold, of: lesson, in: &session) }
        let log = try RunLog({ _ in })
        let outcome = try session.run(log: log, shouldStop: shouldStop)
        if outcome.interrupted { throw InterruptedError("the trial was not finished") }
        let values = try Evaluator.validation(
            outcome.validation, targets: session.validation.targets, teacher: session.teacher?.validation)
        guard let result = values[name] else {
            throw DistillationError("metric: the data have no \(metric)")
        }
        return TrialResult(
            metric: result,
            metrics: Dictionary(values.entries.map { ($0.name.rawValue, $0.value) }) { first, _ in first },
            seconds: -start.timeIntervalSinceNow, examplesPerSecond: outcome.examplesPerSecond)
    }

    private func hold(_ fold: Int, of lesson: Lesson, in session: inout TrainingSession) throws {
        let data = lesson.setup.data.train
        let strata = data.strata
        // Sentences stay whole.
        let groups = data.sentences.filter { $0.contains(where: data.isLabelled) }
        let source = lesson.setup.data.trainRecord.path
        let kFold =
            !strata.isEmpty
            ? try KFold(labels: groups.map { strata[$0.lowerBound] }, k: folds, seed: seed, source: source)
            : try KFold(count: groups.count, k: folds, seed: seed, source: source)
        let held = try kFold.split(fold: fold).validation.flatMap { Array(groups[Int($0)]) }
        let isHeld = Set(held)
        let rest = (0..<data.count).filter { !isHeld.contains($0) }
        session.train = data.subset(rest)
        let validation = data.subset(held)
        session.validation = validation.byRows(.words)
        session.teacher = (
            lesson.signals(rest),
            validation.byWords(
                try TeacherOutputsSubset(base: lesson.outputs.train, indices: data.rows(of: held)).logits(),
                lesson.setup.data.labels.names)
        )
    }

    /// Data and teacher's outputs, from an earlier trial where nothing of them differs.
    private func lesson(for request: DistillRequest) throws -> Lesson {
        let key = Key(
            teachers: request.teachers, combination: request.combination, data: request.data,
            student: request.student.directory, precision: request.precision,
            split: request.data.validation == nil && folds == 1 ? request.training.seed : 0)
        if let found = lessons.first(where: { $0.key == key }) {
            return try Lesson(setup: found.lesson.setup.with(request), outputs: found.lesson.outputs)
        }
        let log = try RunLog(onEvent)
        let findings = Findings()
        let setup = try DistillationSetup(request, log: log, findings: findings)
        try Preflight(
            setup: setup, builder: StudentBuilder(setup, seed: request.training.seed), findings: findings
        ).run(checksObjectives: true, runsTeacher: false, log: log)
        try findings.throwErrors()
        for finding in findings.all { log.send(finding) }
        let outputs = try log.phase("Teacher's outputs") {
            try TeacherRun(setup: setup, log: log, shouldStop: shouldStop).outputs()
        }
        let lesson = try Lesson(setup: setup, outputs: outputs)
        lessons.append((key, lesson))
        return lesson
    }
}
