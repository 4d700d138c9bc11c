import Datasets
import Files
import Foundation
import Torch
import Transformers

/// Trains the students of a search. Work that trials share is done once: the data are read, and the teacher's outputs
/// computed, for the first trial that needs them, so that a trial costs the student's training alone.
///
/// With several folds the training data are split into them, and each is the validation data of students trained on the
/// others; unlabeled examples are in all students' training data. With one fold students are evaluated on the run's
/// validation data.
public final class TuningTrials {
    public let folds: Int
    public let seed: UInt64
    /// The metric of a trial's result.
    public let metric: String
    private let onEvent: (RunEvent) -> Void
    private let stopRequest: () -> StopRequest?
    /// The directory in which a run's checkpoints lie while it goes on; `nil` for none.
    private let scratch: URL?
    private var preparations: [(key: Key, prepared: PreparedDistillation)] = []

    /// - Parameters:
    ///   - folds: The number of folds; 1 evaluates on the validation data.
    ///   - seed: The seed of the folds.
    ///   - metric: The metric of a trial's result.
    ///   - onEvent: Receives the events of work that trials share: reading data, the teacher's outputs, warnings.
    ///   - scratch: The directory in which a run's checkpoints lie while it goes on; `nil` for none.
    ///   - stopRequest: Called often; how the work is to stop, `nil` to go on.
    public init(
        folds: Int, seed: UInt64, metric: String, onEvent: @escaping (RunEvent) -> Void = { _ in },
        scratch: URL? = nil, stopRequest: @escaping () -> StopRequest? = { nil }
    ) {
        self.folds = folds
        self.seed = seed
        self.metric = metric
        self.onEvent = onEvent
        self.scratch = scratch
        self.stopRequest = stopRequest
    }

    /// The parts of a request that determine the data and the teachers' outputs.
    private struct Key: Equatable {
        let teachers: [TeacherRequest]
        let scores: [ScoresRequest]
        let combination: TeacherCombination
        let data: DataRequest
        let student: URL?
        let trimsVocabulary: Bool
        let precision: Precision
        let states: TeacherStateCoding
        let logprobs: [URL]
        let split: UInt64
    }

    /// Reads the data, and computes the teacher's outputs, for a run and those that share them; all processes do it together.
    ///
    /// - Throws: ``InterruptedError`` where it was stopped; the errors of an invalid request.
    package func prepare(_ request: DistillRequest, with processes: Processes) throws {
        _ = try prepared(for: request, with: processes)
    }

    /// Trains a student on all folds but one, and evaluates it on that one.
    ///
    /// - Parameters:
    ///   - request: The trial's run; its output, baseline and repetitions do not matter.
    ///   - fold: The fold that is held out, from 0.
    ///   - budget: The fraction of the run's training, above 0 and at most 1.
    /// - Throws: ``InterruptedError`` where it was stopped; ``NonFiniteLossError`` where training diverged; the errors of an
    ///   invalid request.
    public func run(_ request: DistillRequest, fold: Int, budget: Double) throws -> TrialResult {
        let start = Date()
        let findings = Diagnostics()
        try request.validate(findings)
        try findings.throwErrors()
        let prepared = try prepared(for: request)
        let name = try MetricName.forBest(
            metric, problemType: prepared.setup.problemType, hasTeacher: true, setting: "metric")
        let student = try prepared.student(seed: request.training.seed)
        var plan = prepared.plan(student.model, request.training.scaled(by: budget))
        plan.stages = plan.stages.map { $0.scaled(by: budget) }
        if folds > 1 { try hold(fold, of: prepared, in: &plan) }
        let log = try RunLog({ _ in })
        let checkpoints = try checkpoints(
            of: try RunIdentity(request, prepared.setup), fold: fold, budget: budget, log)
        let outcome = try StagedTraining(plan).run(
            RunContext(log, stopRequest: stopRequest, checkpoints: checkpoints), as: "trial")
        checkpoints?.end(interrupted: outcome.interrupted)
        if outcome.interrupted { throw InterruptedError("the trial was not finished") }
        let values = try plan.metrics(outcome.validation)
        guard let result = values[name] else {
            throw DistillationError("metric: the data have no \(metric)")
        }
        return TrialResult(
            metric: result,
            metrics: Dictionary(values.entries.map { ($0.name.rawValue, $0.value) }) { first, _ in first },
            seconds: -start.timeIntervalSinceNow, examplesPerSecond: outcome.examplesPerSecond)
    }

    /// The checkpoints of a run, which goes on where it was killed, in whichever process.
    private func checkpoints(
        of identity: RunIdentity, fold: Int, budget: Double, _ log: RunLog
    ) throws -> RunCheckpoints? {
        guard let scratch else { return nil }
        var identity = identity
        identity.command = "tune"
        identity.settings["fold"] = SettingNode("\(fold) of \(folds)")
        identity.settings["budget"] = SettingNode(budget)
        identity.settings["folds' seed"] = SettingNode(seed)
        let name = Self.scratchPrefix + Digest.sha256(try JSONText.encode(identity)).prefix(16)
        var options = CheckpointOptions()
        options.resume = .auto
        return try RunCheckpoints(
            for: scratch.appending(path: name), options, identity: identity, overwrite: true, log: log)
    }

    private static let scratchPrefix = "trial-"

    /// Removes the checkpoints of runs that were killed and never went on, at a search's end.
    package static func removeScratch(in directory: URL) {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        for name in entries where name.hasPrefix(scratchPrefix) && name.hasSuffix(".checkpoints") {
            try? FileManager.default.removeItem(at: directory.appending(path: name))
        }
    }

    private func hold(_ fold: Int, of prepared: PreparedDistillation, in plan: inout TrainingPlan) throws {
        let data = prepared.setup.data.train
        let strata = data.strata
        // Sentences stay whole.
        // Vectors need no labels.
        let needsNone = data.problemType.definition.embedsTexts
        let groups = data.sentences.filter { needsNone || $0.contains(where: data.isLabeled) }
        let source = prepared.setup.data.trainRecord.path
        let kFold =
            !strata.isEmpty
            ? try KFold(labels: groups.map { strata[$0.lowerBound] }, k: folds, seed: seed, source: source)
            : try KFold(count: groups.count, k: folds, seed: seed, source: source)
        let held = try kFold.split(fold: fold).validation.flatMap { Array(groups[Int($0)]) }
        let isHeld = Set(held)
        let rest = (0..<data.count).filter { !isHeld.contains($0) }
        plan.train = data.subset(rest)
        let validation = data.subset(held)
        plan.validation = validation.byRows(.words)
        if prepared.setup.teachers.first?.spans != nil {
            // A teacher of other tokens has no rows beside the student's.
            plan.teacher = (prepared.signals(rest), nil, nil)
            return
        }
        let theirs = TeacherOutputsSubset(base: prepared.outputs.train, indices: data.rows(of: held))
        if let weight = prepared.setup.teacherHead {
            let states = TeacherStates(
                states: theirs, coding: prepared.setup.request.teacherForm, weight: weight)
            plan.teacher = (
                prepared.signals(rest),
                try states.statistics(validation, batchSize: plan.arguments.perDeviceEvalBatchSize), states
            )
            return
        }
        plan.teacher = (
            prepared.signals(rest),
            validation.byWords(try theirs.logits(), prepared.setup.data.labels.names), nil
        )
    }

    /// Returns the prepared data and teacher's outputs, from an earlier trial where they are the same.
    private func prepared(
        for request: DistillRequest, with processes: Processes? = nil
    ) throws -> PreparedDistillation {
        let key = Key(
            teachers: request.teachers, scores: request.scores, combination: request.combination,
            data: request.data,
            student: request.student.directory, trimsVocabulary: request.student.trimsVocabulary,
            precision: request.precision,
            states: request.teacherForm, logprobs: request.teacherLogprobs,
            split: request.data.validation == nil && folds == 1 ? request.training.seed : 0)
        if let found = preparations.first(where: { $0.key == key }) {
            return try PreparedDistillation(
                setup: found.prepared.setup.with(request), outputs: found.prepared.outputs)
        }
        let log = try RunLog(onEvent, shouldStop: { [stopRequest] in stopRequest() != nil })
        let findings = Diagnostics()
        let setup = try DistillationSetup(request, log: log, findings: findings, processes: processes)
        let student = try Preflight(
            setup: setup, builder: StudentBuilder(setup, seed: request.training.seed), findings: findings
        ).run(checksObjectives: true, runsTeacher: false, log: log)
        try findings.throwErrors()
        for finding in findings.all { log.send(finding) }
        let outputs = try log.phase("Teacher's outputs") {
            let context = RunContext(log, stopRequest: stopRequest, processes: processes)
            return try TeacherRun(setup: setup, context: context).outputs()
        }
        let prepared = try PreparedDistillation(setup: setup, outputs: outputs, student: student)
        preparations.append((key, prepared))
        return prepared
    }
}
