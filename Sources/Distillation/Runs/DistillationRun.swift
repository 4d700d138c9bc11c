import Datasets
import Foundation
import Reports
import Tokenizers
import Torch
import Transformers

/// Trains a student on frozen teachers' softened outputs, their layers, and the true labels.
///
/// ```swift
/// var request = DistillRequest(
///     teacher: URL(filePath: "teacher"), data: DataRequest(train: URL(filePath: "train.csv")),
///     output: URL(filePath: "student"))
/// request.student.layers = 3
/// request.student.initialization = .teacherLayers
/// request.baseline = true
/// let report = try DistillationRun(request).run()
/// print(report.student.accuracy!, "gained", report.gain!.difference)
/// ```
public struct DistillationRun {
    public let request: DistillRequest

    /// - Throws: ``DistillationError`` for a setting out of range, ``PreflightError`` for several.
    public init(_ request: DistillRequest) throws {
        let findings = Diagnostics()
        try request.validate(findings)
        try findings.throwErrors()
        self.request = request.evaluatedByRetrieval
    }

    /// Checks for everything that could keep a run from beginning, or spoil it, and does nothing else.
    ///
    /// - Returns: Errors first, then warnings, then notes.
    /// - Throws: ``InterruptedError``.
    public static func check(
        _ request: DistillRequest, onEvent: @escaping (RunEvent) -> Void = { _ in },
        shouldStop: @escaping () -> Bool = { false }
    ) throws -> [Finding] {
        let (request, findings) = (request.evaluatedByRetrieval, Diagnostics())
        try request.validate(findings)
        try findings.attempt { try output(of: request) }
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        let hasSettings = !findings.hasErrors
        let setup = try findings.attempt { try DistillationSetup(request, log: log, findings: findings) }
        if let setup {
            let builder = StudentBuilder(setup, seed: request.training.seed)
            try Preflight(setup: setup, builder: builder, findings: findings).run(
                checksObjectives: hasSettings, runsTeacher: true, log: log)
        }
        return findings.listed
    }

    /// Runs to the end, or until it is to stop, and saves the best checkpoint.
    ///
    /// - Parameters:
    ///   - onEvent: Receives the run's events.
    ///   - stopRequest: Called often; how the run is to stop, `nil` to go on.
    ///   - processes: The processes that make the run together, each of which calls this; `nil` for this one alone.
    /// - Throws: ``InterruptedError`` where it was stopped and goes on by a resume; ``ResumeError`` where it is to go on from a
    ///   checkpoint of another run; whatever is wrong with the files and settings.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in },
        stopRequest: @escaping () -> StopRequest? = { nil }, processes: Processes? = nil
    ) throws -> RunReport {
        let log = try RunLog(
            onEvent, loggingDirectory: processes.isFirst ? request.loggingDirectory : nil,
            shouldStop: { stopRequest() != nil })
        let output = try processes.isFirst ? Self.output(of: request) : nil
        log.tell(output?.leftovers)
        let findings = Diagnostics()
        let setup = try DistillationSetup(request, log: log, findings: findings, processes: processes)
        // Built before the teacher's long work, so that a student that cannot be is refused at once.
        let builder = StudentBuilder(setup, seed: request.training.seed)
        let student = try Preflight(setup: setup, builder: builder, findings: findings).run(
            checksObjectives: true, runsTeacher: false, log: log)
        try findings.throwErrors()
        for finding in findings.all { log.send(finding) }
        let beginning = try RunBeginning(
            request, identity: try RunIdentity(request, setup), output: output, log: log,
            stopRequest: stopRequest, processes: processes)
        if let report = beginning.finished { return report }
        let (identity, context, checkpoints) = (
            beginning.identity, beginning.context, beginning.checkpoints
        )
        let outputs = try log.phase("Teacher's outputs") {
            try TeacherRun(setup: setup, context: context).outputs()
        }
        let prepared = try PreparedDistillation(
            setup: setup, outputs: outputs, student: student, retrieval: RetrievalEvaluator(setup, context),
            processes: processes)
        let sweep = try SeedSweep(request: request, prepared: prepared, context: context)
        let reports = DistillationReportBuilder(
            request: request, prepared: prepared, output: request.output, identity: identity,
            context: context,
            findings: findings.recorded)
        let all = try sweep.run { checkpoint in
            guard let output else { return }
            var report = try reports.report(checkpoint: checkpoint)
            try save(checkpoint, in: output, setup, &report, log)
        }
        let report = try processes.fromFirstAtLast {
            guard let output else { throw DistillationError("process 0 has no output directory") }
            return try log.phase("Evaluation") { () throws -> RunReport in
                let best = sweep.best(of: all)
                var report = try reports.report(all, best: best)
                try checkpoints.leave(context)
                var analysis = setup.data.analysis(
                    student: all[best].student.outcome.validation, teacher: outputs.validation,
                    request: request.data, cache: request.cache, limit: request.reportExamples, log: log)
                analysis.addSamples(log) { try samples(all[best], setup, context) }
                try save(all[best], in: output, setup, &report, log, analysis)
                return report
            }
        }
        checkpoints.end(interrupted: report.interrupted)
        return report
    }

    /// Answers of a language model, its teacher and its baseline; `nil` for other models, and where the run is stopped.
    private func samples(
        _ repetition: Repetition, _ setup: DistillationSetup, _ context: RunContext
    ) throws -> [PredictionAnalysis.Sample]? {
        guard request.reportExamples > 0, !context.shouldStop(), !request.quantizeAware,
            let text = try setup.languageModelText(), let teacher = setup.teacher
        else { return nil }
        let tokens = setup.teachers.first?.vocabulary.map { ($0, teacher.tokenizer) }
        return try AnswerSamples(data: setup.data.validation, text: text, teacherTokens: tokens).samples(
            student: repetition.student.model,
            teacher: setup.teachers.first?.spans == nil ? teacher.model : nil,
            baseline: repetition.baseline?.model, limit: request.reportExamples)
    }

    /// - Parameter analysis: The analysis of the predictions, for a run at its end.
    private func save(
        _ repetition: Repetition, in output: OutputDirectory, _ setup: DistillationSetup,
        _ report: inout RunReport, _ log: RunLog, _ analysis: PredictionAnalysis? = nil
    ) throws {
        try output.save(
            repetition.student.model, tokenizerDirectory: setup.tokenizerDirectory, report: &report,
            extras: .init(
                history: repetition.student.outcome.log.text, analysis: analysis, card: request.card,
                base: request.student.directory.map(HubIdentifier.name)),
            warn: { log.warnOnce($0) })
    }

    private static func output(of request: DistillRequest) throws -> OutputDirectory {
        try OutputDirectory(
            request.output, overwrite: request.overwrite, isResumed: request.checkpoints.resume != nil,
            inputs: request.teachers.map(\.directory) + request.scores.flatMap(\.files)
                + [request.student.directory].compactMap(\.self) + request.data.files
                + [request.test, request.retrieval?.data].compactMap(\.self), cache: request.cache)
    }
}
