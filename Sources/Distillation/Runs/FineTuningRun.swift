import Foundation
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
        try ReportExamples.validate(request.reportExamples)
        self.request = request
    }

    /// Runs to the end, or until `shouldStop`, and saves the best checkpoint.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> RunReport {
        let log = try RunLog(onEvent, loggingDirectory: request.loggingDirectory)
        let output = try OutputDirectory(
            request.output, overwrite: request.overwrite, inputs: [request.model] + request.data.files,
            cache: request.cache)
        log.tell(output.leftovers)
        let setup = try FineTuningSetup(request, log: log)
        if let problem = OutputSpace.problem(
            at: request.output, bytes: OutputSpace.bytes(of: setup.model, tokenizerDirectory: request.model),
            isRepeated: true, overwrite: request.overwrite)
        {
            throw DistillationError(problem)
        }
        if let note = setup.data.cutNote { log.send(.note(note)) }
        if shouldStop() { throw InterruptedError() }
        let training = StagedTraining(setup.plan(request))
        let outcome = try log.phase("Training") {
            try training.run(log: log, shouldStop: shouldStop) {
                try save($0, setup, output, log, isLast: false)
            }
        }
        return try log.phase("Evaluation") { try save(outcome, setup, output, log, isLast: true) }
    }

    /// Saves the model with its report.
    ///
    /// - Parameter isLast: True if the run is at its end: its report then has latencies and an analysis.
    @discardableResult
    private func save(
        _ outcome: TrainingOutcome, _ setup: FineTuningSetup, _ output: OutputDirectory, _ log: RunLog,
        isLast: Bool
    ) throws -> RunReport {
        var report = try report(setup.model, outcome, setup.data, log, latencySamples: isLast ? 200 : 0)
        let analysis =
            isLast
            ? setup.data.analysis(
                student: outcome.validation, teacher: nil, request: request.data, cache: request.cache,
                limit: request.reportExamples, log: log) : nil
        try output.save(
            setup.model, tokenizerDirectory: request.model, report: &report,
            extras: .init(history: outcome.log.text, analysis: analysis, card: request.card),
            warn: { log.warnOnce($0) })
        return report
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
