import Foundation
import Torch

/// The part of a checkpoint that is not tensors: the contents of its `state.json`.
struct CheckpointRecord: Codable {
    /// The version of the files' format.
    var version = Self.currentVersion
    var identity: RunIdentity
    /// The optimizer steps of the run, of all its trainings.
    var steps: Int
    /// The first student's metrics before training; `nil` where they were not computed, or by a program that did not keep them.
    var initial: MetricValues?
    var finished: [Finished]
    var current: Current?

    static let currentVersion = 1

    /// A training that is done.
    struct Finished: Codable {
        var name: String
        var history: [EpochMetrics]
        var metric: Double
        var bestEpoch: Double
        var steps: Int
        var log: StepHistory
    }

    /// The training under way.
    struct Current: Codable {
        var name: String
        var finishedStages: Int
        var history: [EpochMetrics]
        var steps: Int
        var log: StepHistory
        var best: Best?
        var trainer: Stage?
        var isEvaluationDue: Bool
    }

    struct Best: Codable {
        var metric: Double
        var epoch: Double
    }

    /// The stage under way.
    struct Stage: Codable {
        var step: Int
        var epoch: Int
        var stepInEpoch: Int
        var optimizerStep: Int
        /// The steps in which each parameter had a gradient.
        var optimizerSteps: [String: Int]
        var averages: Averages?
        var dropoutSeed: UInt64
        var dropoutOffset: UInt64
        var sums: MetricSums
        var logSums: MetricSums
        var history: [EpochMetrics]
        var evaluationsWithoutGain: Int
        var texts: StudentTexts?
    }

    struct Averages: Codable {
        var step: Int
        var averagedStep: Int
    }

    // MARK: - Text

    /// Marks a coder whose values must come back as they were: numbers that JSON lacks, and the order of names.
    static let keepsEverything = CodingUserInfoKey(rawValue: "distill.checkpoint")!

    /// An encoder of values that a decoder of ``decoder`` gives back as they were.
    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        encoder.userInfo[keepsEverything] = true
        return encoder
    }

    static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        decoder.userInfo[keepsEverything] = true
        return decoder
    }

    func json() throws -> Data {
        let encoder = Self.encoder
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        return try encoder.encode(self)
    }

    init(json: Data) throws { self = try Self.decoder.decode(Self.self, from: json) }
}

// MARK: - From and to a run's state

extension CheckpointRecord {
    init(_ state: RunState, identity: RunIdentity) {
        self.identity = identity
        steps = state.steps
        initial = state.initial
        finished = state.finished.map { training in
            let outcome = training.outcome
            return Finished(
                name: training.name, history: outcome.history, metric: outcome.metric,
                bestEpoch: outcome.bestEpoch, steps: outcome.steps, log: outcome.log)
        }
        current = state.current.map { Current(name: $0.name, $0.state) }
    }
}

extension CheckpointRecord.Current {
    init(name: String, _ state: StagedTraining.State) {
        self.init(
            name: name, finishedStages: state.finishedStages, history: state.history, steps: state.steps,
            log: state.log, best: state.best.map { .init(metric: $0.metric, epoch: $0.epoch) },
            trainer: state.trainer.map { CheckpointRecord.Stage($0) },
            isEvaluationDue: state.isEvaluationDue)
    }
}

extension CheckpointRecord.Stage {
    init(_ state: TrainingState) {
        self.init(
            step: state.step, epoch: state.epoch, stepInEpoch: state.stepInEpoch,
            optimizerStep: state.optimizer.step, optimizerSteps: state.optimizer.steps,
            averages: state.averages.map { .init(step: $0.step, averagedStep: $0.averagedStep) },
            dropoutSeed: state.dropout.seed, dropoutOffset: state.dropout.offset, sums: state.sums,
            logSums: state.logSums, history: state.history,
            evaluationsWithoutGain: state.evaluationsWithoutGain, texts: state.texts)
    }
}
