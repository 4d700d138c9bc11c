import Datasets
import Foundation
import Safetensors
import Tokenizers
import Torch
import Transformers

/// Trains a pretrained encoder on labelled examples: what makes a teacher worth learning from.
public struct FineTuning {
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
        let seed = request.training.seed
        // What is quickly read comes first, so that its errors do.
        let configuration = try ModelConfiguration(contentsOf: request.model)
        let tokenizer = try Tokenizer.load(for: configuration, in: request.model)
        for warning in configuration.warnings + tokenizer.warnings(for: configuration, in: request.model) {
            log.warnOnce(warning)
        }
        let maxLength = TextLength.tokens(
            wanted: request.data.maxLength, in: request.model, tokenizer: tokenizer,
            positions: configuration.maxLength)
        let data = try log.phase("Reading and tokenizing data") {
            try RunData(
                request.data, labels: nil,
                loader: request.cache.loader(
                    request.data.columns.options, tokenizer: tokenizer, directory: request.model,
                    maxLength: maxLength, log: log),
                seed: seed)
        }
        let model = try log.phase("Loading the model") {
            let (model, report) = try AutoModel.load(
                from: request.model, labelNames: data.labels.names, task: data.problemType,
                ignoreMismatchedSizes: request.ignoreMismatchedSizes, seed: seed, device: request.device)
            guard !model.parameters.isQuantized else {
                throw DistillationError(
                    "\(request.model.path): is quantised, and int8 weights cannot be trained; fine-tune the model in floating "
                        + "point that it was made from")
            }
            if !report.newlyInitialized.isEmpty { log.send(.note(report.description)) }
            return model
        }
        log.send(.note(data.labelNote))
        for note in data.wordNotes { log.send(.note(note)) }
        for warning in data.labelWarnings(areInferred: true) { log.warnOnce(warning) }
        if let problem = OutputSpace.problem(
            at: request.output, bytes: OutputSpace.bytes(of: model, tokenizerDirectory: request.model),
            isRepeated: true, overwrite: request.overwrite)
        {
            throw DistillationError(problem)
        }
        if let note = data.cutNote { log.send(.note(note)) }
        if shouldStop() { throw InterruptedError() }
        let session = TrainingSession(
            model: model,
            stages: [TrainingStage(objectives: [request.training.labelObjective(data.problemType)])],
            registry: .standard, train: data.train, validation: data.validation,
            arguments: request.training, precision: request.precision.resolved(on: request.device))
        let outcome = try log.phase("Training") {
            try session.run(log: log, shouldStop: shouldStop) { outcome in
                var report = try report(model, outcome, data, log, latencySamples: 0)
                try output.save(
                    model, tokenizerDirectory: request.model, report: &report,
                    extras: .init(history: outcome.log.text, card: request.card), warn: { log.warnOnce($0) })
            }
        }
        return try log.phase("Evaluation") {
            var report = try report(model, outcome, data, log, latencySamples: 200)
            let analysis = data.analysis(
                student: outcome.validation, teacher: nil, request: request.data, cache: request.cache,
                limit: request.reportExamples, log: log)
            try output.save(
                model, tokenizerDirectory: request.model, report: &report,
                extras: .init(history: outcome.log.text, analysis: analysis, card: request.card))
            return report
        }
    }

    private func report(
        _ model: TransformerModel, _ outcome: TrainingSession.Outcome, _ data: RunData, _ log: RunLog,
        latencySamples: Int
    ) throws -> RunReport {
        let latency = try LatencyProbe.measure(
            [.init(model: model, dataset: data.validation)], samples: latencySamples)
        return RunReport(
            command: "finetune", output: request.output.path, labels: data.labels.names,
            classes: data.classCounts,
            settings: RunReport.Settings(
                model: request.model.path, studentConfiguration: .init(model.configuration),
                maxLength: data.maxLength,
                validationSplit: request.data.validation == nil ? request.data.validationSplit : nil,
                training: request.training, device: request.device.description,
                precision: request.precision.resolved(on: request.device)),
            train: data.trainRecord, validation: data.validationRecord, teacher: nil,
            student: try Evaluator.evaluation(
                model, logits: outcome.validation, targets: data.validation.targets,
                bytesOnDisk: SafetensorsCheckpoint.weightBytes(in: request.output), latency: latency[0]),
            comparison: nil, epochs: outcome.history, bestEpoch: outcome.bestEpoch,
            interrupted: outcome.interrupted, steps: outcome.steps, phases: log.phases, versions: .current)
    }
}
