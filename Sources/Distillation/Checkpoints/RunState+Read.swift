import Files
import Foundation
import Torch

extension RunState {
    /// The state of a checkpoint.
    ///
    /// - Parameters:
    ///   - record: Its description.
    ///   - url: Its directory.
    /// - Throws: `SafetensorsError`, `FileError` or ``DistillationError`` for a file that does not hold what the description says.
    init(_ record: CheckpointRecord, in url: URL) throws {
        initial = record.initial
        finished = try record.finished.map { training in
            let file = CheckpointPart.finished(training.name)
            let (parameters, logits) = try CheckpointPart(reading: file, in: url).result()
            guard let logits else { throw Self.lacking(url, file, "the logits for the validation data") }
            return FinishedTraining(
                name: training.name,
                outcome: TrainingOutcome(
                    validation: logits, history: training.history, metric: training.metric,
                    bestEpoch: training.bestEpoch, steps: training.steps, interrupted: false,
                    log: training.log),
                parameters: parameters)
        }
        current = try record.current.map { training in
            var best: TrainingState.Best?
            if let saved = training.best {
                let (parameters, logits) = try CheckpointPart(reading: CheckpointPart.best, in: url).result()
                best = .init(
                    metric: saved.metric, epoch: saved.epoch, parameters: parameters, logits: logits)
            }
            return (
                training.name,
                StagedTraining.State(
                    finishedStages: training.finishedStages, history: training.history, steps: training.steps,
                    log: training.log, best: best,
                    trainer: try training.trainer.map { try TrainingState($0, best: best, in: url) },
                    isEvaluationDue: training.isEvaluationDue)
            )
        }
    }

    static func lacking(_ url: URL, _ file: String, _ what: String) -> DistillationError {
        DistillationError("\(url.appending(path: file).path): lacks \(what); go on from another checkpoint")
    }
}

extension TrainingState {
    fileprivate init(_ stage: CheckpointRecord.Stage, best: Best?, in url: URL) throws {
        func tensors(_ file: String) throws -> [String: Tensor] {
            try CheckpointPart(reading: file, in: url).tensors
        }
        let moments = try CheckpointPart(reading: CheckpointPart.optimizer, in: url).moments()
        let objectives = url.appending(path: CheckpointPart.objectives)
        self.init(
            step: stage.step, epoch: stage.epoch, stepInEpoch: stage.stepInEpoch,
            parameters: try tensors(CheckpointPart.model),
            learned: FileManager.default.fileExists(atPath: objectives.path)
                ? try tensors(CheckpointPart.objectives) : [:],
            optimizer: AdamW.State(
                step: stage.optimizerStep, steps: stage.optimizerSteps, firstMoments: moments.first,
                secondMoments: moments.second),
            averages: try stage.averages.map {
                ExponentialMovingAverage.State(
                    step: $0.step, averagedStep: $0.averagedStep,
                    averages: try tensors(CheckpointPart.averages))
            },
            dropout: DropoutState.Position(seed: stage.dropoutSeed, offset: stage.dropoutOffset),
            sums: stage.sums, logSums: stage.logSums, history: stage.history, best: best,
            evaluationsWithoutGain: stage.evaluationsWithoutGain, texts: stage.texts)
    }
}
