import ArgumentParser
import Distillation
import Torch

/// Hugging Face's `TrainingArguments`, by the same names.
struct TrainingOptions: ParsableArguments {
    @Option(
        name: [.long, .customLong("epochs")], help: "Passes over the training data. (default: 3)")
    var numTrainEpochs: Double?

    @Option(help: "Optimizer steps, instead of epochs.")
    var maxSteps: Int?

    @Option(name: [.long, .customLong("batch-size")], help: "Examples in a training batch. (default: 32)")
    var perDeviceTrainBatchSize: Int?

    @Option(help: "Examples in an evaluation batch. (default: 64)")
    var perDeviceEvalBatchSize: Int?

    @Option(help: "Micro-batches that make one optimizer step. (default: 1)")
    var gradientAccumulationSteps: Int?

    @Option(help: "The learning rate after the warm-up. (default: 5e-5)")
    var learningRate: Double?

    @Option(
        help: ArgumentHelp(
            "The learning rate's schedule after the warm-up: linear, cosine, polynomial, constant or one_cycle. (default: linear)",
            valueName: "type"))
    var lrSchedulerType: LearningRateSchedule.Decay?

    @Option(help: "Steps of linear warm-up; below 1, their fraction of all steps. (default: 0.1)")
    var warmupSteps: Double?

    @Option(help: "The warm-up's fraction of all steps; an older name for --warmup-steps below 1.")
    var warmupRatio: Double?

    @Option(help: "AdamW's weight decay; biases and layer norms never decay. (default: 0.01)")
    var weightDecay: Double?

    @Option(name: .customLong("adam-beta1"), help: "(default: 0.9)") var adamBeta1: Double?
    @Option(name: .customLong("adam-beta2"), help: "(default: 0.999)") var adamBeta2: Double?
    @Option(help: "(default: 1e-8)") var adamEpsilon: Double?

    @Option(help: "Gradients are scaled down to this joint norm; 0 for no clipping. (default: 1)")
    var maxGradNorm: Double?

    @Option(help: "Decides initial weights, order of the data and dropout. (default: 42)")
    var seed: UInt64?

    @Option(help: "Optimizer steps between two log lines. (default: 10)")
    var loggingSteps: Int?

    @Flag(
        inversion: .prefixedNo,
        help: "Batch texts of similar length, which saves padding. (default: --group-by-length)")
    var groupByLength: Bool?

    @Option(
        help: ArgumentHelp(
            "The fraction of a label's mass that is spread over all classes. (default: 0)",
            valueName: "fraction"))
    var labelSmoothingFactor: Double?

    @Option(
        help: ArgumentHelp(
            "The classes' weights in the loss with the labels: balanced, or a number for each class.",
            valueName: "balanced"))
    var classWeights: String?

    @Option(help: "Optimizer steps between two evaluations. (default: an epoch's)")
    var evalSteps: Int?

    @Option(
        help: ArgumentHelp(
            "The validation metric that chooses the best checkpoint: accuracy, macro_f1, loss, kl, agreement, … (default: accuracy, micro_f1, r2, f1 of entities, or for language models kl, without a teacher loss)",
            valueName: "metric"))
    var metricForBestModel: String?

    @Option(help: "Evaluations without improvement after which training ends. (default: never)")
    var earlyStoppingPatience: Int?

    @Option(help: "The smallest improvement that counts. (default: 0)")
    var earlyStoppingThreshold: Double?

    @Option(help: "Each layer's learning rate is that of the layer above times this. (default: 1)")
    var layerwiseLrDecay: Double?

    @Option(
        help:
            "Keep a moving average of the weights with this decay, such as 0.999; it is evaluated and saved.")
    var emaDecay: Double?

    @Option(
        name: [.customLong("optim"), .customLong("optimizer")],
        help: "adamw, or adamw_8bit, whose moments take 2 bytes a parameter instead of 8. (default: adamw)")
    var optim: Optimizer?

    @Flag(
        help:
            "Compute layers again in the backward pass instead of keeping their activations: less memory, more time."
    )
    var gradientCheckpointing = false

    func register(in settings: inout Settings) {
        settings.override("num_train_epochs", numTrainEpochs)
        settings.override("max_steps", maxSteps)
        settings.override("per_device_train_batch_size", perDeviceTrainBatchSize)
        settings.override("per_device_eval_batch_size", perDeviceEvalBatchSize)
        settings.override("gradient_accumulation_steps", gradientAccumulationSteps)
        settings.override("learning_rate", learningRate)
        settings.override("lr_scheduler_type", lrSchedulerType)
        settings.override("warmup_ratio", warmupRatio)
        settings.override("warmup_steps", warmupSteps)
        settings.override("weight_decay", weightDecay)
        settings.override("adam_beta1", adamBeta1)
        settings.override("adam_beta2", adamBeta2)
        settings.override("adam_epsilon", adamEpsilon)
        settings.override("max_grad_norm", maxGradNorm)
        settings.override("seed", seed)
        settings.override("label_smoothing_factor", labelSmoothingFactor)
        settings.override("class_weights", classWeights)
        settings.override("eval_steps", evalSteps)
        settings.override("metric_for_best_model", metricForBestModel)
        settings.override("early_stopping_patience", earlyStoppingPatience)
        settings.override("early_stopping_threshold", earlyStoppingThreshold)
        settings.override("layerwise_lr_decay", layerwiseLrDecay)
        settings.override("ema_decay", emaDecay)
        settings.override("logging_steps", loggingSteps)
        settings.override("group_by_length", groupByLength)
        settings.override("optim", optim)
        settings.override("gradient_checkpointing", switch: gradientCheckpointing)
    }
}

extension LearningRateSchedule.Decay: ExpressibleByArgument {}
extension Optimizer: ExpressibleByArgument {}
