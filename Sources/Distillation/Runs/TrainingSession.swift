import Foundation
import Torch
import Transformers

/// What fine-tuning and distillation share: train, keep the best, judge it, save it.
struct TrainingSession {
    let model: any SequenceClassifier
    let objective: any TrainingObjective
    let data: RunData
    let paddingID: Int
    let arguments: TrainingArguments
    let tokenizerDirectory: URL
    let output: OutputDirectory
    /// The teacher and its logits for the validation data.
    let teacher: (classifier: TrainedClassifier, validationLogits: Logits)?
    /// What the report says besides the results.
    let command: String
    let settings: RunReport.Settings

    func run(log: RunLog, shouldStop: @escaping () -> Bool) throws -> RunReport {
        let trainer = try Trainer(
            model: model, objective: objective, data: data.train, paddingID: paddingID, arguments: arguments)
        var best: Logits?
        let finished = try log.phase("Training") { try train(trainer, log, shouldStop, best: &best) }
        if let best = trainer.best { try model.parameters.restore(best.parameters) }
        return try log.phase("Evaluation") {
            var report = try self.report(
                trainer, logits: best ?? logits(), interrupted: !finished, log: log, latencySamples: 200)
            try save(&report)
            return report
        }
    }

    /// - Parameter best: Becomes the logits of the best checkpoint for the validation data.
    private func train(
        _ trainer: Trainer, _ log: RunLog, _ shouldStop: () -> Bool, best: inout Logits?
    ) throws -> Bool {
        model.precision = settings.precision
        defer { model.precision = .float32 }
        var latest: Logits?
        do {
            return try trainer.train(
                evaluate: {
                    let own = try logits()
                    latest = own
                    return try validation(own)
                },
                onBest: { _ in
                    let own = try latest ?? logits()
                    best = own
                    var report = try self.report(
                        trainer, logits: own, interrupted: true, log: log, latencySamples: 0)
                    try save(&report)
                },
                onEvent: log.send, shouldStop: shouldStop)
        } catch let error as NonFiniteLossError {
            throw kept(after: error, trainer)
        }
    }

    /// Says where the last good weights are: each new best checkpoint is on disk already.
    private func kept(after error: NonFiniteLossError, _ trainer: Trainer) -> NonFiniteLossError {
        let kept = trainer.best.map {
            String(format: "the best checkpoint (epoch %.2f) is kept in ", $0.epoch) + output.url.path
        }
        return NonFiniteLossError(
            description: error.description + "; "
                + (kept ?? "no checkpoint was evaluated before it, so nothing is saved"))
    }

    /// The model's logits for the validation data, in float32, as whoever loads the saved model finds them.
    private func logits() throws -> Logits {
        let precision = model.precision
        model.precision = .float32
        defer { model.precision = precision }
        guard
            let logits = try Inference.logits(
                model, data.validation, paddingID: paddingID, batchSize: arguments.perDeviceEvalBatchSize)
        else { throw InterruptedError() }
        return logits
    }

    private func validation(_ own: Logits) throws -> ValidationMetrics {
        try Evaluator.validation(
            own, labels: data.validation.labels, labelNames: data.labels.names,
            teacher: teacher?.validationLogits)
    }

    private func report(
        _ trainer: Trainer, logits own: Logits, interrupted: Bool, log: RunLog, latencySamples: Int
    ) throws -> RunReport {
        let models = [model] + [teacher?.classifier.model].compactMap(\.self)
        let latencies = try LatencyProbe.measure(
            models.map { .init(model: $0, dataset: data.validation, paddingID: paddingID) },
            samples: latencySamples)
        let labels = data.validation.labels
        let student = try Evaluator.evaluation(
            model, logits: own, labels: labels, bytesOnDisk: weightBytes(in: output.url),
            latency: latencies[0])
        let beside = try teacher.map {
            try Evaluator.evaluation(
                $0.classifier.model, logits: $0.validationLogits, labels: labels,
                bytesOnDisk: weightBytes(in: $0.classifier.directory), latency: latencies[1])
        }
        return RunReport(
            command: command, output: output.url.path, labels: data.labels.names, settings: settings,
            train: data.trainRecord, validation: data.validationRecord, teacher: beside, student: student,
            comparison: try comparison(own, student, beside), epochs: trainer.history,
            bestEpoch: trainer.best?.epoch ?? trainer.epochNow, interrupted: interrupted, steps: trainer.step,
            phases: log.phases, versions: .current)
    }

    private func comparison(
        _ logits: Logits, _ student: ModelEvaluation, _ teacherEvaluation: ModelEvaluation?
    ) throws -> Comparison? {
        guard let teacher, let teacherEvaluation else { return nil }
        return try Evaluator.comparison(
            student: (logits, student), teacher: (teacher.validationLogits, teacherEvaluation))
    }

    /// Saves model and report; the report then knows the size of the weights' file, so it is written once more.
    private func save(_ report: inout RunReport) throws {
        if report.student.bytesOnDisk == 0 {
            try write(report)
            report.student.bytesOnDisk = weightBytes(in: output.url)
            if let teacher = report.teacher, report.student.bytesOnDisk > 0 {
                report.comparison?.sizeRatio =
                    Double(teacher.bytesOnDisk) / Double(report.student.bytesOnDisk)
            }
        }
        try write(report)
    }

    private func write(_ report: RunReport) throws {
        try output.save(
            model, tokenizerDirectory: tokenizerDirectory,
            files: [
                ("README.md", ModelCard(report: report).text),
                (report.recordName, try JSONText.encode(report) + "\n"),
            ])
    }
}

extension RunReport.Versions {
    static var current: RunReport.Versions {
        RunReport.Versions(
            distill: Version.current, libtorch: Runtime.version, cpuCapability: Runtime.cpuCapability,
            threads: Runtime.threadCount)
    }
}

extension RunReport.Sizes {
    init(_ configuration: BertConfiguration) {
        self.init(
            layers: configuration.numHiddenLayers, hiddenSize: configuration.hiddenSize,
            intermediateSize: configuration.intermediateSize, attentionHeads: configuration.numAttentionHeads,
            vocabularySize: configuration.vocabSize)
    }
}
