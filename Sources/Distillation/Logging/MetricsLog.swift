import Files
import Foundation
import TensorBoard

/// A log of a run's measurements in a directory: curves for TensorBoard, and `metrics.jsonl`, a line for each log step and
/// evaluation.
///
/// Tags are those of transformers' `TensorBoardCallback`: `train/loss`, `eval/accuracy` and so on.
final class MetricsLog {
    private let curves: EventFileWriter
    private let lines: AppendedFile

    /// - Parameter directory: The directory, created where it does not exist; several runs may share one.
    /// - Throws: `FileError` where it cannot be written.
    init(directory: URL) throws {
        curves = try EventFileWriter(directory: directory)
        lines = try AppendedFile(directory.appending(path: "metrics.jsonl"))
    }

    /// Writes an event if it is one that is logged.
    ///
    /// - Throws: `FileError` where the disk is full.
    func handle(_ event: RunEvent) throws {
        switch event {
        case .step(let metrics):
            try curves.add(Self.scalars(metrics), step: metrics.step)
            try write("step", metrics)
        case .evaluated(let metrics):
            try curves.add(Self.scalars(metrics), step: metrics.step)
            try write("evaluation", metrics)
        default: break
        }
    }

    /// Notes that the run goes on from a step: points of later steps, which a killed run had written, are void.
    ///
    /// TensorBoard leaves them out; in `metrics.jsonl` a line of the kind `resume` says so.
    func resume(step: Int) throws {
        try curves.addSessionStart(step: step + 1)
        try lines.append("{\"kind\":\"resume\",\"step\":\(step)}\n".utf8)
    }

    private func write(_ kind: String, _ metrics: some Encodable) throws {
        let object = try JSONText.encode(metrics, pretty: false)
        try lines.append("{\"kind\":\"\(kind)\",\(object.dropFirst())\n".utf8)
    }

    private static func scalars(_ step: StepMetrics) -> [(tag: String, value: Double)] {
        [("train/loss", step.loss)] + step.terms.map { ("train/loss/\($0.name)", $0.value) }
            + step.metrics.entries.map { ("train/\($0.name.rawValue)", $0.value) }
            + [
                ("train/learning_rate", step.learningRate), ("train/grad_norm", step.gradNorm),
                ("train/examples_per_second", step.examplesPerSecond), ("train/epoch", step.epoch),
            ]
    }

    private static func scalars(_ epoch: EpochMetrics) -> [(tag: String, value: Double)] {
        epoch.validation.entries.map { ("eval/\($0.name.rawValue)", $0.value) } + [
            ("eval/epoch", epoch.epoch)
        ]
    }
}
