import Foundation
import Reports
import Torch
import Transformers

/// Fine-tunes a pretrained encoder on labeled examples: the usual way to a teacher worth learning from.
public struct FineTuningRun {
    public let request: FineTuneRequest

    /// - Throws: ``DistillationError`` for settings out of range.
    public init(_ request: FineTuneRequest) throws {
        try request.training.validate()
        try request.data.validate()
        try request.card.validate()
        try request.checkpoints.validate()
        try request.training.lora?.requireBase(request.model)
        try ReportExamples.validate(request.reportExamples)
        self.request = request
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
        let output =
            try processes.isFirst
            ? OutputDirectory(
                request.output, overwrite: request.overwrite, isResumed: request.checkpoints.resume != nil,
                inputs: [request.model] + request.data.files, cache: request.cache) : nil
        log.tell(output?.leftovers)
        let setup = try FineTuningSetup(request, log: log, processes: processes)
        if let problem = OutputSpace.problem(
            at: request.output, bytes: OutputSpace.bytes(of: setup.model, tokenizerDirectory: request.model),
            isRepeated: true, overwrite: request.overwrite)
        {
            throw DistillationError(problem)
        }
        if let note = setup.data.cutNote { log.send(.note(note)) }
        if stopRequest() != nil { throw InterruptedError() }
        let beginning = try RunBeginning(
            request, identity: try RunIdentity(request, setup), output: output, log: log,
            stopRequest: stopRequest, processes: processes)
        if let report = beginning.finished { return report }
        let (identity, context, checkpoints) = (
            beginning.identity, beginning.context, beginning.checkpoints
        )
        let outcome = try outcome(of: setup, context) {
            guard let output else { return }
            try save($0, setup, output, identity, log, isLast: false)
        }
        let report = try processes.fromFirstAtLast {
            guard let output else { throw DistillationError("process 0 has no output directory") }
            return try log.phase("Evaluation") {
                try checkpoints.leave(context)
                return try save(outcome, setup, output, identity, log, isLast: true)
            }
        }
        checkpoints.end(interrupted: report.interrupted)
        return report
    }

    /// Trains the model, or takes what was trained before the run was resumed.
    private func outcome(
        of setup: FineTuningSetup, _ context: RunContext, _ save: (TrainingOutcome) throws -> Void
    ) throws -> TrainingOutcome {
        let name = "model"
        if let done = context.checkpoints?.finished(name) {
            try setup.model.restore(done.parameters)
            return done.outcome
        }
        let training = StagedTraining(setup.plan(request, context.processes))
        return try context.log.phase("Training") { try training.run(context, as: name, save: save) }
    }

    /// Saves the model with its report.
    ///
    /// - Parameter isLast: True if the run is at its end: its report then has latencies and an analysis.
    @discardableResult
    private func save(
        _ outcome: TrainingOutcome, _ setup: FineTuningSetup, _ output: OutputDirectory,
        _ identity: RunIdentity, _ log: RunLog, isLast: Bool
    ) throws -> RunReport {
        var report = try report(setup.model, outcome, setup.data, log, latencySamples: isLast ? 200 : 0)
        report.identity = identity
        var analysis =
            isLast
            ? setup.data.analysis(
                student: outcome.validation, teacher: nil, request: request.data, cache: request.cache,
                limit: request.reportExamples, log: log) : nil
        analysis?.addSamples(log) { try samples(setup) }
        try output.save(
            setup.model, tokenizerDirectory: setup.files.directory, report: &report,
            extras: .init(
                history: outcome.log.text, analysis: analysis, card: request.card,
                base: HubIdentifier.name(of: request.model)),
            warn: { log.warnOnce($0) })
        return report
    }

    /// Answers of a language model; `nil` for other models.
    private func samples(_ setup: FineTuningSetup) throws -> [PredictionAnalysis.Sample]? {
        guard request.reportExamples > 0, let text = setup.languageModelText else { return nil }
        return try AnswerSamples(data: setup.data.validation, text: text).samples(
            student: setup.model, limit: request.reportExamples)
    }

    private func report(
        _ model: TransformerModel, _ outcome: TrainingOutcome, _ data: RunData, _ log: RunLog,
        latencySamples: Int
    ) throws -> RunReport {
        let latency = try LatencyProbe.measure(
            [.init(model: model, dataset: data.validation)], samples: latencySamples)
        let settings = RunReport.Settings(
            model: request.model.path, studentConfiguration: .init(model.configuration),
            maxLength: data.maxLength,
            validationSplit: request.data.validation == nil ? request.data.validationSplit : nil,
            training: request.training, device: request.device.description,
            precision: request.precision.resolved(on: request.device))
        return try RunReportBuilder(command: "finetune", data: data, output: request.output, log: log)
            .report(model, outcome, settings: settings, latency: latency[0])
    }
}
