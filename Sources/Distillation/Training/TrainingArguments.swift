import Torch
import Transformers

/// The settings of a training run, named as in Hugging Face's `TrainingArguments`.
public struct TrainingArguments: Sendable, Equatable, Codable {
    /// Examples in one micro-batch: one forward and backward pass.
    public var perDeviceTrainBatchSize = 32
    /// Examples in one forward pass of evaluation.
    public var perDeviceEvalBatchSize = 64
    /// Passes over the training data; a fraction stops within one.
    public var numTrainEpochs = 3.0
    /// Optimizer steps, instead of epochs, where positive.
    public var maxSteps = -1
    /// The learning rate after the warm-up.
    public var learningRate = 5e-5
    /// The schedule of the learning rate after the warm-up: `linear`, `cosine`, `polynomial`, `constant`, `one_cycle`.
    public var lrSchedulerType = LearningRateSchedule.Decay.linear
    /// Steps of linear warm-up; below 1, the fraction of all steps.
    public var warmupSteps = 0.1
    /// AdamW's weight decay; biases and layer norms never decay.
    public var weightDecay = 0.01
    public var adamBeta1 = 0.9
    public var adamBeta2 = 0.999
    public var adamEpsilon = 1e-8
    /// Gradients are scaled down to this joint norm; 0 leaves them as they are.
    public var maxGradNorm = 1.0
    /// Micro-batches whose gradients are accumulated for one optimizer step: the same gradient as one batch that many times
    /// larger.
    public var gradientAccumulationSteps = 1
    /// The seed of initialization, order of the data and dropout.
    public var seed: UInt64 = 42
    /// Optimizer steps between two log lines.
    public var loggingSteps = 10
    /// True if a batch has sentences of similar length, which saves padding.
    public var groupByLength = true
    /// The fraction of a label's probability mass that is distributed over all classes, in the loss on the labels.
    public var labelSmoothingFactor = 0.0
    /// The class weights in the loss on the labels: `balanced`, or numbers separated by commas; `nil` for none.
    public var classWeights: String?
    /// Optimizer steps between two evaluations; `nil` evaluates after each epoch.
    public var evalSteps: Int?
    /// The metric on the validation data that chooses the best checkpoint; `nil` for the task's own: accuracy,
    /// micro F1 or R².
    public var metricForBestModel: String?
    /// Evaluations without improvement after which training ends; `nil` for never.
    public var earlyStoppingPatience: Int?
    /// The least change of the metric that counts as an improvement.
    public var earlyStoppingThreshold = 0.0
    /// The factor between a layer's learning rate and that of the layer above; 1 for the same everywhere.
    public var layerwiseLrDecay = 1.0
    /// The decay of the weights' exponential moving average, which is evaluated and saved in their place; `nil` for none.
    public var emaDecay: Double?
    /// The optimizer; `nil` for AdamW with float32 moments.
    public var optim: Optimizer?
    /// True if the backward pass computes layers again instead of keeping what their forward passes leave.
    public var gradientCheckpointing: Bool?
    /// The low-rank adapters that are trained in place of the weights; `nil` to train these.
    public var lora: LoRAOptions?

    public init() {}

    /// - Throws: ``DistillationError`` that names the setting.
    public func validate() throws {
        func require(_ holds: Bool, _ name: String, _ rule: String, _ value: Any) throws {
            guard holds else { throw DistillationError("\(name) must be \(rule), got \(value)") }
        }
        try SettingLimits.require(perDeviceTrainBatchSize, "per_device_train_batch_size")
        try SettingLimits.require(perDeviceEvalBatchSize, "per_device_eval_batch_size")
        try SettingLimits.require(maxSteps, "max_steps", from: .min, to: SettingLimits.steps)
        try require(
            numTrainEpochs > 0 && numTrainEpochs.isFinite, "num_train_epochs", "above 0", numTrainEpochs)
        try require(learningRate > 0 && learningRate.isFinite, "learning_rate", "above 0", learningRate)
        try require(warmupSteps >= 0 && warmupSteps.isFinite, "warmup_steps", "0 or more", warmupSteps)
        try require(weightDecay >= 0 && weightDecay.isFinite, "weight_decay", "0 or more", weightDecay)
        try require((0..<1).contains(adamBeta1), "adam_beta1", "in 0 ..< 1", adamBeta1)
        try require((0..<1).contains(adamBeta2), "adam_beta2", "in 0 ..< 1", adamBeta2)
        try require(adamEpsilon > 0 && adamEpsilon.isFinite, "adam_epsilon", "above 0", adamEpsilon)
        try require(maxGradNorm >= 0, "max_grad_norm", "0 (no clipping) or more", maxGradNorm)
        try SettingLimits.require(gradientAccumulationSteps, "gradient_accumulation_steps")
        try SettingLimits.require(loggingSteps, "logging_steps", to: SettingLimits.steps)
        try require(
            (0..<1).contains(labelSmoothingFactor), "label_smoothing_factor", "in 0 ..< 1",
            labelSmoothingFactor)
        if let evalSteps { try require(evalSteps > 0, "eval_steps", "at least 1", evalSteps) }
        if let patience = earlyStoppingPatience {
            try require(patience > 0, "early_stopping_patience", "at least 1", patience)
        }
        try require(
            earlyStoppingThreshold >= 0 && earlyStoppingThreshold.isFinite, "early_stopping_threshold",
            "0 or more", earlyStoppingThreshold)
        guard earlyStoppingThreshold == 0 || earlyStoppingPatience != nil else {
            throw DistillationError(
                "early_stopping_threshold is the gain that counts for early stopping; give early_stopping_patience too, or leave it out"
            )
        }
        try require(
            layerwiseLrDecay > 0 && layerwiseLrDecay <= 1, "layerwise_lr_decay", "above 0 and at most 1",
            layerwiseLrDecay)
        if let emaDecay { try require((0..<1).contains(emaDecay), "ema_decay", "in 0 ..< 1", emaDecay) }
        try lora?.validate()
    }

    /// The optimizer steps of an epoch over so many examples, at least 1.
    func stepsPerEpoch(examples: Int) -> Int {
        let size = max(1, perDeviceTrainBatchSize * gradientAccumulationSteps)
        return max(1, (examples + size - 1) / size)
    }

    /// The total number of optimizer steps, for this many batches per epoch.
    public func totalSteps(stepsPerEpoch: Int) -> Int {
        if maxSteps > 0 { return maxSteps }
        let steps = (numTrainEpochs * Double(stepsPerEpoch)).rounded(.up)
        return max(1, Int(min(steps, Double(SettingLimits.steps))))
    }

    /// The learning rate over a run of this many steps.
    public func schedule(totalSteps: Int) -> LearningRateSchedule {
        let steps = warmupSteps < 1 ? (warmupSteps * Double(totalSteps)).rounded(.up) : warmupSteps.rounded()
        return LearningRateSchedule(
            peak: learningRate, warmupSteps: Int(min(steps, Double(totalSteps))), totalSteps: totalSteps,
            decay: lrSchedulerType)
    }
}

extension TrainingArguments {
    /// AdamW for a model and the parameters that objectives train in addition.
    func optimizer(for model: TransformerModel, at precision: Precision, learned: ParameterStore) throws
        -> AdamW
    {
        try AdamW(
            [model.trained, learned], weightDecay: weightDecay, layerDecay: layerwiseLrDecay,
            depth: { layerDepth(of: $0, layers: model.configuration.numHiddenLayers) }, beta1: adamBeta1,
            beta2: adamBeta2, epsilon: adamEpsilon, sparseTables: model.sparseTables(precision),
            moments: optim == .adamw8bit ? .eightBit : .float32)
    }
}

/// The optimizers, by Hugging Face's names.
public enum Optimizer: String, CaseIterable, Sendable, Codable {
    case adamw
    /// AdamW whose moments are kept in 8 bits.
    case adamw8bit = "adamw_8bit"
}

extension LearningRateSchedule.Decay: Codable {}
