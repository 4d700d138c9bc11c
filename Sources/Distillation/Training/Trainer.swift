import Datasets
import Foundation
import Torch
import Transformers

/// Trains a model on objectives: batches → logits → loss → gradients → AdamW.
///
/// A trainer takes one optimizer step at a time and says when an evaluation is due; its caller evaluates, keeps the
/// best checkpoint, and may stop at any step:
///
/// ```swift
/// while let step = try trainer.advance() {
///     print(step.progress.detail)
///     guard step.isEvaluationDue else { continue }
///     try trainer.beginEvaluation()
///     let checkpoint = try trainer.record(evaluate(model))
///     if checkpoint.isBest { try save(model) }
/// }
/// ```
///
/// Everything random follows from the seed: the same arguments give the same weights, bit for bit, on the same
/// machine. ``state()`` and ``restore(_:)`` carry a run over to another trainer: stopping between two steps leaves no trace.
public final class Trainer {
    public let model: TransformerModel
    /// The precision of training.
    let precision: Precision
    public let objectives: ObjectiveSum
    public let data: EncodedDataset
    public let teacher: TeacherSupervision?
    public let augmentation: Augmentation?
    public let arguments: TrainingArguments
    /// The position of this trainer in a run of several stages.
    public let stage: Stage
    /// The total number of optimizer steps.
    public let totalSteps: Int
    public let stepsPerEpoch: Int

    /// Parameters that the objectives train in addition to the model's, and drop at the end.
    let learned: ParameterStore
    let optimizer: AdamW
    let schedule: LearningRateSchedule
    let dropout: DropoutState
    /// True if the model's device computes while this thread does something else, so that steps are read late.
    var isAsynchronous: Bool
    /// The metric by which the best checkpoint is chosen.
    let metricForBest: MetricName
    let averages: ExponentialMovingAverage?

    public internal(set) var step = 0
    var epoch = 0
    var stepInEpoch = 0
    var sums = MetricSums()
    /// Evaluations so far.
    public internal(set) var history: [EpochMetrics] = []
    /// The best checkpoint so far.
    public internal(set) var best: TrainingState.Best?
    var evaluationsWithoutGain = 0

    /// Means since the last log line.
    var meter = StepMeter()
    /// The processes that train together; `nil` for this one alone.
    let processes: Processes?
    /// The sum of gradients over them.
    let reducer: GradientReducer?
    /// Sums of this process's examples that the others do not know yet, a step each.
    var pending: [MetricSums] = []

    /// Steps whose results are still on the device.
    var unread: [LaunchedStep] = []
    /// The current epoch's steps, assembled ahead; `nil` where they have not been begun.
    var prefetcher: BatchPrefetcher<[Batch]>?
    var clock = TrainingClock()

    /// Steps between two updates of the weights' averages.
    private static let averagingInterval = 10

    /// A trainer's position in a run of several stages.
    public struct Stage: Sendable, Equatable {
        /// Its name in logs; `nil` in a run of one stage.
        public var name: String?
        /// Steps and epochs of the stages before, from which this one continues to count.
        public var firstStep = 0
        public var firstEpoch = 0
        /// The steps of all stages; `nil` for this trainer's own.
        public var stepsOfRun: Int?

        public init() {}
    }

    /// - Parameters:
    ///   - model: The model, which is trained in place.
    ///   - objectives: The objectives whose weighted sum is minimized.
    ///   - data: The training data.
    ///   - teacher: The teacher's supervision of the data; `nil` without a teacher.
    ///   - isBesideTeacher: True if evaluations compare the model with a teacher, even one that teaches nothing.
    ///   - augmentation: The augmentation of the texts, drawn anew in each epoch; `nil` for none.
    ///   - arguments: Learning rate, batch size and so on.
    ///   - precision: The precision of training.
    ///   - stage: The trainer's position in a run of several stages.
    ///   - processes: The processes that train together, each of which has such a trainer; `nil` for this one alone.
    /// - Throws: ``DistillationError`` for arguments out of range, empty data, or objectives that do not fit.
    public init(
        model: TransformerModel, objectives: [WeightedObjective], data: EncodedDataset,
        teacher: TeacherSupervision? = nil, isBesideTeacher: Bool = false,
        augmentation: Augmentation? = nil, arguments: TrainingArguments,
        precision: Precision = .float32, stage: Stage = Stage(), processes: Processes? = nil
    ) throws {
        let preparation = try TrainingPreparation(
            model: model, objectives: objectives, data: data, teacher: teacher,
            isBesideTeacher: isBesideTeacher, augmentation: augmentation, arguments: arguments)
        self.objectives = preparation.objectives
        learned = preparation.learned
        metricForBest = preparation.metricForBest
        self.model = model
        self.data = data
        self.teacher = teacher
        self.augmentation = augmentation
        self.arguments = arguments
        self.precision = precision
        self.stage = stage
        stepsPerEpoch = arguments.stepsPerEpoch(examples: data.unitCount)
        totalSteps = arguments.totalSteps(stepsPerEpoch: stepsPerEpoch)
        schedule = arguments.schedule(totalSteps: totalSteps)
        optimizer = try arguments.optimizer(for: model, at: precision, learned: learned)
        averages = try arguments.emaDecay.map {
            try ExponentialMovingAverage(model.trained, decay: $0, updateAfter: Self.averagingInterval)
        }
        isAsynchronous = model.device.kind == .cuda
        self.processes = processes
        let parameters = (preparation.learned.tensors + model.trained.tensors).filter(\.requiresGrad)
        reducer = try processes.map {
            guard model.device.kind == .cpu else {
                throw DistillationError(
                    "several processes train together on CPUs alone so far; leave out --device, or run one process"
                )
            }
            return try GradientReducer(
                $0.group, parameters: parameters, sparseTables: model.sparseTables(precision))
        }
        dropout = DropoutState(
            position: .init(seed: arguments.seed, offset: UInt64(stage.firstStep) << 32))
    }

    /// Runs a part of a step; where it throws, the weights become those of the last whole step.
    func completed<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            try optimizer.synchronize()
            throw error
        }
    }

    /// The position in the run, in epochs.
    var epochNow: Double {
        Double(stage.firstEpoch + epoch) + Double(stepInEpoch) / Double(stepsPerEpoch)
    }

    /// The examples, or queries with their documents, of every optimizer step of an epoch: a function of the seed and the epoch alone.
    func batchIndices(epoch: Int) -> EpochBatches {
        LengthGroupedSampler.batches(
            lengths: data.unitLengths,
            batchSize: arguments.perDeviceTrainBatchSize * arguments.gradientAccumulationSteps,
            seed: arguments.seed, epoch: stage.firstEpoch + epoch, grouped: arguments.groupByLength)
    }

    /// The micro-batches of `batchSize` examples that make one step over these examples; a process's parts of them where several
    /// train together. Where examples belong to queries, it is queries with all their documents that are counted.
    static func microBatches(
        _ units: [Int], of data: EncodedDataset, batchSize: Int, augmentation: Augmentation.Seeded? = nil,
        environment: ProcessEnvironment? = nil
    ) throws -> [Batch] {
        try stride(from: 0, to: units.count, by: batchSize).map { start in
            let units = Array(units[start..<min(start + batchSize, units.count)])
            guard let environment else {
                return try Batch(
                    data, indices: data.examples(ofUnits: units), augmentation: augmentation)
            }
            return try Batch(
                shareOf: data, units: units, rank: environment.rank, of: environment.worldSize,
                augmentation: augmentation)
        }
    }
}
