import Datasets
import Foundation
import Torch
import Transformers

/// Trains a model on an objective: batches → logits → loss → gradients → AdamW, with evaluation each epoch.
///
/// Everything random follows from the seed: the same arguments give the same weights, bit for bit, on the same
/// machine. ``state()`` and ``restore(_:)`` carry a run over to another trainer.
public final class Trainer {
    public let model: any SequenceClassifier
    public let objective: any TrainingObjective
    public let data: EncodedDataset
    public let arguments: TrainingArguments
    public let paddingID: Int
    /// Optimiser steps in all.
    public let totalSteps: Int
    public let stepsPerEpoch: Int

    let optimizer: AdamW
    let schedule: LearningRateSchedule
    let dropout: DropoutState

    public internal(set) var step = 0
    var epoch = 0
    var stepInEpoch = 0
    var sums = MetricSums()
    public internal(set) var history: [EpochMetrics] = []
    public internal(set) var best: TrainingState.Best?

    /// - Parameters:
    ///   - model: What is trained, in place.
    ///   - objective: Turns its logits into a loss.
    ///   - data: What it is trained on.
    ///   - paddingID: The token that fills shorter examples.
    ///   - arguments: Learning rate, batch size and so on.
    /// - Throws: ``DistillationError`` for arguments out of range or empty data.
    public init(
        model: any SequenceClassifier, objective: any TrainingObjective, data: EncodedDataset, paddingID: Int,
        arguments: TrainingArguments
    ) throws {
        try arguments.validate()
        guard data.count > 0 else { throw DistillationError("the training data is empty") }
        self.model = model
        self.objective = objective
        self.data = data
        self.paddingID = paddingID
        self.arguments = arguments
        let examplesPerStep = arguments.perDeviceTrainBatchSize * arguments.gradientAccumulationSteps
        stepsPerEpoch = (data.count + examplesPerStep - 1) / examplesPerStep
        totalSteps = arguments.totalSteps(stepsPerEpoch: stepsPerEpoch)
        schedule = arguments.schedule(totalSteps: totalSteps)
        optimizer = try AdamW(
            model.parameters, weightDecay: arguments.weightDecay, beta1: arguments.adamBeta1,
            beta2: arguments.adamBeta2, epsilon: arguments.adamEpsilon, sparseTables: model.sparseTables)
        dropout = DropoutState(seed: arguments.seed)
    }

    /// Trains until the last step.
    ///
    /// - Parameters:
    ///   - evaluate: Judges the model on the validation data; called after each epoch and at the end.
    ///   - onBest: Called when the model is better than ever before, to save it.
    ///   - onEvent: What happens, for whoever shows it.
    ///   - shouldStop: Asked after each step.
    /// - Returns: Whether the last step was reached.
    /// - Throws: ``NonFiniteLossError`` where the loss or a gradient is not finite. The weights are then those
    ///   before the failed step; ``best`` holds the last good ones.
    @discardableResult
    public func train(
        evaluate: () throws -> ValidationMetrics, onBest: (EpochMetrics) throws -> Void = { _ in },
        onEvent: (RunEvent) -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Bool {
        var meter = StepMeter()
        var epochStart = Date()
        while step < totalSteps {
            let batches = batchIndices(epoch: epoch)
            let steps = prefetchedSteps(of: batches, from: stepInEpoch)
            defer { steps.stop() }
            while stepInEpoch < batches.count, step < totalSteps, let passes = try steps.next() {
                let result = try completedStep(passes)
                meter.add(result)
                onEvent(
                    .progress(
                        completed: step, total: totalSteps, unit: "step",
                        detail: meter.detail))
                if step % arguments.loggingSteps == 0 || step == totalSteps {
                    onEvent(.step(meter.flush(step: step, totalSteps: totalSteps, epoch: epochNow)))
                }
                if shouldStop() {
                    try finishEpoch(evaluate, onBest, onEvent, since: epochStart)
                    return step == totalSteps
                }
            }
            try finishEpoch(evaluate, onBest, onEvent, since: epochStart)
            if stepInEpoch == batches.count {
                epoch += 1
                stepInEpoch = 0
                sums = MetricSums()
            }
            epochStart = Date()
        }
        return true
    }

    /// A step; should it fail, the weights become those of the last whole one.
    private func completedStep(_ passes: [Batch]) throws -> StepResult {
        do {
            return try trainStep(passes)
        } catch {
            try optimizer.synchronize()
            throw error
        }
    }

    /// The place in the run, in epochs.
    var epochNow: Double { Double(epoch) + Double(stepInEpoch) / Double(stepsPerEpoch) }

    /// The examples of every optimiser step of an epoch: a function of the seed and the epoch alone.
    func batchIndices(epoch: Int) -> EpochBatches {
        LengthGroupedSampler.batches(
            lengths: data.lengths,
            batchSize: arguments.perDeviceTrainBatchSize * arguments.gradientAccumulationSteps,
            seed: arguments.seed, epoch: epoch, grouped: arguments.groupByLength)
    }

    /// The contents of an epoch's steps, read and assembled while the step before is computed.
    private func prefetchedSteps(of batches: EpochBatches, from start: Int) -> BatchPrefetcher<[Batch]> {
        let (data, size) = (data, arguments.perDeviceTrainBatchSize)
        return BatchPrefetcher { place in
            guard start + place < batches.count else { return nil }
            return try Self.passes(batches[start + place], of: data, batchSize: size)
        }
    }

    /// The passes of the batch size that make one step over these examples.
    static func passes(
        _ indices: [Int], of data: EncodedDataset, batchSize: Int
    ) throws -> [Batch] {
        try stride(from: 0, to: indices.count, by: batchSize).map { start in
            try Batch(data, indices: Array(indices[start..<min(start + batchSize, indices.count)]))
        }
    }

    private func finishEpoch(
        _ evaluate: () throws -> ValidationMetrics, _ onBest: (EpochMetrics) throws -> Void,
        _ onEvent: (RunEvent) -> Void, since start: Date
    ) throws {
        try optimizer.synchronize()
        let validation = try evaluate()
        guard validation.hardLoss.isFinite else {
            throw notFinite("the loss on the validation data is \(validation.hardLoss)")
        }
        let isBest = best.map { validation.accuracy > $0.metric } ?? true
        let metrics = EpochMetrics(
            epoch: epochNow, step: step, trainLoss: sums.mean(sums.loss),
            trainSoftLoss: sums.hasTeacher ? sums.mean(sums.soft) : nil,
            trainHardLoss: sums.mean(sums.hard), trainKL: sums.hasTeacher ? sums.mean(sums.kl) : nil,
            trainAgreement: sums.hasTeacher ? sums.mean(Double(sums.agreements)) : nil,
            evalAccuracy: validation.accuracy, evalMacroF1: validation.macroF1,
            evalHardLoss: validation.hardLoss, evalKL: validation.kl, evalAgreement: validation.agreement,
            isBest: isBest, seconds: -start.timeIntervalSinceNow)
        history.append(metrics)
        if isBest {
            best = .init(
                metric: validation.accuracy, epoch: epochNow, parameters: try model.parameters.snapshot())
            try onBest(metrics)
        }
        onEvent(.evaluated(metrics))
    }
}

/// How the model did on the validation data.
public struct ValidationMetrics: Sendable, Equatable {
    public var accuracy: Double
    public var macroF1: Double
    public var hardLoss: Double
    /// Against the teacher, at temperature 1.
    public var kl: Double?
    public var agreement: Double?
}
