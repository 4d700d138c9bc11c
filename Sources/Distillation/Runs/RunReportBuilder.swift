import Files
import Foundation
import Safetensors
import Transformers

/// Builds the report of a run that trains a model.
struct RunReportBuilder {
    /// The command's name.
    let command: String
    let data: RunData
    /// The directory in which the model is saved.
    let output: URL
    let log: RunLog

    /// The report of a model and its training.
    ///
    /// - Parameters:
    ///   - settings: The settings of the run.
    ///   - latency: The latency of single examples; `nil` where it was not measured.
    func report(
        _ model: TransformerModel, _ outcome: TrainingOutcome, settings: RunReport.Settings,
        latency: LatencyStatistics?
    ) throws -> RunReport {
        RunReport(
            command: command, output: output.path, labels: data.labels.names, classes: data.classCounts,
            settings: settings, train: data.trainRecord, validation: data.validationRecord,
            unlabelled: data.unlabelledRecords.isEmpty ? nil : data.unlabelledRecords,
            student: try Self.evaluation(model, outcome.validation, data.validation, output, latency),
            epochs: outcome.history, bestEpoch: outcome.bestEpoch, interrupted: outcome.interrupted,
            steps: outcome.steps, phases: log.phases, versions: .current)
    }

    /// A model's evaluation.
    ///
    /// - Parameters:
    ///   - logits: The logits of all examples of the data.
    ///   - directory: The directory of its files; `nil` for a model that is not saved.
    static func evaluation(
        _ model: TransformerModel, _ logits: Logits, _ data: EncodedDataset, _ directory: URL?,
        _ latency: LatencyStatistics? = nil
    ) throws -> ModelEvaluation {
        try Evaluator.evaluation(
            model, logits: logits, targets: data.targets,
            bytesOnDisk: directory.map { SafetensorsCheckpoint.weightBytes(in: $0) } ?? 0, latency: latency)
    }
}
