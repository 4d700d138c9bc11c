import Datasets
import Foundation
import Torch
import Transformers

/// Trains a model on objectives: batches → logits → loss → gradients → AdamW, with evaluation each epoch.
///
/// Everything random follows from the seed: the same arguments give the same weights, bit for bit, on the same
/// machine. ``state()`` and ``restore(_:)`` carry a run over to another trainer.
public final class Trainer {
    public let model: TransformerModel
    /// What training computes with.
    let precision: Precision
    public let objectives: ObjectiveSum
    public let data: EncodedDataset
    public let teacher: TeacherSignals?
    public let augmentation: Augmentation?
    public let arguments: TrainingArguments
    /// Where this trainer stands in a run of several stages.
    public let stage: Stage
    /// Optimiser steps in all.
    public let totalSteps: Int
    public let stepsPerEpoch: Int

    /// What objectives learn beside the model, and drop at the end.
    let learned: ParameterStore
    let optimizer: AdamW
    let schedule: LearningRateSchedule
    let dropout: DropoutState
    /// Whether the model's device computes on while this thread does something else, so that steps are read late.
    var isAsynchronous: Bool
    /// The metric by which the best checkpoint is chosen.
    let metricForBest: MetricName
    let averages: ExponentialMovingAverage?

    public internal(set) var step = 0
    var epoch = 0
    var stepInEpoch = 0
    var sums = MetricSums()
    public internal(set) var history: [EpochMetrics] = []
    public internal(set) var best: TrainingState.Best?
    var evaluationsWithoutGain = 0
    /// The examples that went through the steps of this trainer, those of a run that was resumed not among them.
    private var examples = 0

    /// Steps that a device may be ahead of what is known of them.
    private static let unreadLimit = 64

    /// Steps between two updates of the weights' averages.
    private static let averagingInterval = 10

    /// A trainer's place in a run of several stages.
    public struct Stage: Sendable, Equatable {
        /// Its name in logs; `nil` in a run of one stage.
        public var name: String?
        /// Steps and epochs of the stages before, from which this one counts on.
        public var firstStep = 0
        public var firstEpoch = 0
        /// The steps of all stages; `nil` for this trainer's own.
        public var stepsOfRun: Int?

        public init() {}
    }

    /// - Parameters:
    ///   - model: What is trained, in place.
    ///   - objectives: What is minimised.
    ///   - data: What it is trained on.
    ///   - teacher: What the teacher says about the data; `nil` without a teacher.
    ///   - augmentation: How texts are changed anew in each epoch; `nil` for not at all.
    ///   - arguments: Learning rate, batch size and so on.
    ///   - precision: What training computes with.
    ///   - stage: Its place in a run of several stages.
    /// - Throws: ``DistillationError`` for arguments out of range, empty data, or objectives that do not fit.
    public init(
        model: TransformerModel, objectives: [WeightedObjective], data: EncodedDataset,
        teacher: TeacherSignals? = nil, augmentation: Augmentation? = nil, arguments: TrainingArguments,
        precision: Precision = .float32, stage: Stage = Stage()
    ) throws {
        try arguments.validate()
        guard data.count > 0 else { throw DistillationError("the training data is empty") }
        self.model = model
        self.data = data
        self.teacher = teacher
        self.augmentation = augmentation
        self.arguments = arguments
        self.precision = precision
        self.stage = stage
        let examplesPerStep = arguments.perDeviceTrainBatchSize * arguments.gradientAccumulationSteps
        stepsPerEpoch = (data.count + examplesPerStep - 1) / examplesPerStep
        totalSteps = arguments.totalSteps(stepsPerEpoch: stepsPerEpoch)
        schedule = arguments.schedule(totalSteps: totalSteps)
        learned = ParameterStore()
        self.objectives = try ObjectiveSum(
            objectives,
            models: ObjectiveModels(
                student: model.configuration, teacher: teacher?.model?.configuration ?? model.configuration,
                tokensDiffer: teacher.map(\.tokensDiffer) ?? "there is no teacher",
                problemType: data.problemType, classCounts: data.classCounts,
                batchSize: arguments.perDeviceTrainBatchSize, exampleCount: data.count,
                learned: ParameterScope(
                    store: learned, source: nil, seed: arguments.seed, device: model.device)))
        guard teacher != nil || !self.objectives.needs.teacherLogits else {
            throw DistillationError(
                "the objectives (\(self.objectives.terms.map(\.name).joined(separator: ", "))) need a teacher"
            )
        }
        guard augmentation == nil || teacher == nil || teacher?.model != nil else {
            throw DistillationError(
                "augmented texts need the teacher's outputs for them, but \(teacher?.tokensDiffer ?? ""); "
                    + "leave augmentation out")
        }
        guard augmentation == nil || !data.hasWordRows else {
            throw DistillationError(
                "augmentation masks and leaves out words, whose tags would no longer fit; leave it out for token classification"
            )
        }
        metricForBest = try MetricName.forBest(
            arguments.metricForBestModel, problemType: data.problemType, hasTeacher: teacher != nil)
        optimizer = try arguments.optimizer(for: model, at: precision, learned: learned)
        averages = try arguments.emaDecay.map {
            try ExponentialMovingAverage(model.parameters, decay: $0, updateAfter: Self.averagingInterval)
        }
        isAsynchronous = model.device.kind == .cuda
        dropout = DropoutState(
            position: .init(seed: arguments.seed, offset: UInt64(stage.firstStep) << 32))
    }

    /// Trains until the last step.
    ///
    /// - Parameters:
    ///   - evaluate: Judges the model on the validation data; called after each epoch (or `evalSteps`) and at the end.
    ///   - onBest: Called when the model is better than ever before, to save it.
    ///   - onEvent: What happens, for whoever shows it.
    ///   - shouldStop: Asked after each step.
    /// - Returns: Whether the last step was reached, or training ended early because nothing was gained any more.
    /// - Throws: ``NonFiniteLossError`` where the loss or a gradient is not finite. The weights are then those
    ///   before the failed step; ``best`` holds the last good ones. On a device that computes on by itself, counts may have
    ///   gone on to later steps.
    @discardableResult
    public func train(
        evaluate: () throws -> MetricValues, onBest: (EpochMetrics) throws -> Void = { _ in },
        onEvent: (RunEvent) -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Bool {
        var meter = StepMeter()
        // Steps whose results are still on the device.
        var unread: [LaunchedStep] = []
        func readSteps() throws {
            for result in try completed({ try read(unread) }) { meter.add(result) }
            unread = []
        }
        var start = Date()
        var examplesBefore = examples
        while step < totalSteps {
            let batches = batchIndices(epoch: epoch)
            let steps = prefetchedSteps(of: batches, from: stepInEpoch)
            defer { steps.stop() }
            while stepInEpoch < batches.count, step < totalSteps, let passes = try steps.next() {
                let launched = try completed { try launch(passes) }
                unread.append(launched)
                examples += launched.examples
                let isLast = step == totalSteps
                let isDue =
                    arguments.evalSteps.map { step.isMultiple(of: $0) } ?? (stepInEpoch == batches.count)
                if !isAsynchronous || isLast || isDue || isLogged || unread.count == Self.unreadLimit {
                    try readSteps()
                }
                report(&meter, onEvent)
                let stops = shouldStop()
                if stops { try readSteps() }
                if stops || isLast || isDue {
                    let pause = Date()
                    let speed = Double(examples - examplesBefore) / max(1e-9, pause.timeIntervalSince(start))
                    try evaluateNow(evaluate, onBest, onEvent, since: start, speed)
                    (start, examplesBefore) = (Date(), examples)
                    meter.leaveOut(start.timeIntervalSince(pause))
                    // An evaluation that only a stop brought about leaves the sums as they are, for a resumed run.
                    if isLast || isDue { sums = MetricSums() }
                }
                if stops { return isLast }
                if hasStalled {
                    onEvent(.note(stallNote))
                    return true
                }
            }
            if stepInEpoch == batches.count {
                epoch += 1
                stepInEpoch = 0
            }
        }
        return true
    }

    private func report(_ meter: inout StepMeter, _ onEvent: (RunEvent) -> Void) {
        let (now, all) = (stage.firstStep + step, stage.stepsOfRun ?? totalSteps)
        onEvent(
            .progress(
                RunProgress(
                    completed: now, total: all, unit: "step", examples: examples, detail: meter.detail)))
        if isLogged {
            onEvent(.step(meter.flush(step: now, totalSteps: all, epoch: epochNow, stage: stage.name)))
        }
    }

    /// Whether the last step is to be logged.
    private var isLogged: Bool { step % arguments.loggingSteps == 0 || step == totalSteps }

    /// Part of a step; should it fail, the weights become those of the last whole one.
    private func completed<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            try optimizer.synchronize()
            throw error
        }
    }

    /// The place in the run, in epochs.
    var epochNow: Double {
        Double(stage.firstEpoch + epoch) + Double(stepInEpoch) / Double(stepsPerEpoch)
    }

    /// The examples of every optimiser step of an epoch: a function of the seed and the epoch alone.
    func batchIndices(epoch: Int) -> EpochBatches {
        LengthGroupedSampler.batches(
            lengths: data.lengths,
            batchSize: arguments.perDeviceTrainBatchSize * arguments.gradientAccumulationSteps,
            seed: arguments.seed, epoch: stage.firstEpoch + epoch, grouped: arguments.groupByLength)
    }

    /// The contents of an epoch's steps, read and assembled while the step before is computed.
    private func prefetchedSteps(of batches: EpochBatches, from start: Int) -> BatchPrefetcher<[Batch]> {
        let (data, size) = (data, arguments.perDeviceTrainBatchSize)
        let augmentation = augmentation?.seeded(arguments.seed, epoch: stage.firstEpoch + epoch)
        return BatchPrefetcher { place in
            guard start + place < batches.count else { return nil }
            return try Self.passes(
                batches[start + place], of: data, batchSize: size, augmentation: augmentation)
        }
    }

    /// The passes of the batch size that make one step over these examples.
    static func passes(
        _ indices: [Int], of data: EncodedDataset, batchSize: Int, augmentation: Augmentation.Seeded? = nil
    ) throws -> [Batch] {
        try stride(from: 0, to: indices.count, by: batchSize).map { start in
            try Batch(
                data, indices: Array(indices[start..<min(start + batchSize, indices.count)]),
                augmentation: augmentation)
        }
    }
}

/// What a run's evaluation showed, and which checkpoint is the best.
extension Trainer {
    /// Judges the weights, or their averages, and keeps them where they are the best.
    private func evaluateNow(
        _ evaluate: () throws -> MetricValues, _ onBest: (EpochMetrics) throws -> Void,
        _ onEvent: (RunEvent) -> Void, since start: Date, _ speed: Double
    ) throws {
        try optimizer.synchronize()
        guard let averages else { return try judge(evaluate, onBest, onEvent, since: start, speed) }
        try averages.catchUp()
        try averages.withAverages { try judge(evaluate, onBest, onEvent, since: start, speed) }
    }

    private func judge(
        _ evaluate: () throws -> MetricValues, _ onBest: (EpochMetrics) throws -> Void,
        _ onEvent: (RunEvent) -> Void, since start: Date, _ speed: Double
    ) throws {
        let values: MetricValues
        do { values = try evaluate() } catch is NonFiniteLogitsError {
            throw notFinite("the model's logits for the validation data are no numbers")
        }
        if let loss = values[.loss], !loss.isFinite {
            throw notFinite("the loss on the validation data is \(loss)")
        }
        guard let metric = values[metricForBest] else {
            throw DistillationError(
                "metric_for_best_model: the validation data have no \(metricForBest.rawValue); choose one of "
                    + values.names.map(\.rawValue).joined(separator: ", "))
        }
        let improvement = best.map { metricForBest.improvement(of: metric, over: $0.metric) }
        let isBest = improvement.map { $0 > 0 } ?? true
        let isGain = improvement.map { $0 > arguments.earlyStoppingThreshold } ?? true
        evaluationsWithoutGain = isGain ? 0 : evaluationsWithoutGain + 1
        let metrics = EpochMetrics(
            epoch: epochNow, step: stage.firstStep + step, stage: stage.name, trainLoss: sums.meanLoss,
            trainTerms: sums.meanTerms, train: sums.statistics.values, validation: values, isBest: isBest,
            seconds: -start.timeIntervalSinceNow, examplesPerSecond: speed)
        history.append(metrics)
        if isBest {
            best = .init(
                metric: metric, epoch: epochNow, parameters: try model.parameters.snapshot())
            try onBest(metrics)
        }
        onEvent(.evaluated(metrics))
    }

    /// Whether the last evaluations have brought nothing.
    private var hasStalled: Bool {
        arguments.earlyStoppingPatience.map { evaluationsWithoutGain >= $0 } ?? false
    }

    private var stallNote: String {
        "Stopped early: \(metricForBest.rawValue) has not gained in \(evaluationsWithoutGain) evaluations."
    }
}
