import Transformers

extension TrainingArguments {
    /// The arguments of settings, with defaults for the others.
    init(_ reader: SettingsReader) throws {
        self.init()
        try reader.assign("num_train_epochs", to: &numTrainEpochs)
        try reader.assign("max_steps", to: &maxSteps)
        try reader.assign("per_device_train_batch_size", to: &perDeviceTrainBatchSize)
        try reader.assign("per_device_eval_batch_size", to: &perDeviceEvalBatchSize)
        try reader.assign("gradient_accumulation_steps", to: &gradientAccumulationSteps)
        try reader.assign("learning_rate", to: &learningRate)
        try reader.assign("lr_scheduler_type", to: &lrSchedulerType)
        if let ratio = try reader.value("warmup_ratio", as: Double.self) {
            guard (0..<1).contains(ratio) else {
                throw SettingsError("warmup_ratio must be in 0 ..< 1, got \(ratio)")
            }
            warmupSteps = ratio
        }
        try reader.assign("warmup_steps", to: &warmupSteps)
        try reader.assign("weight_decay", to: &weightDecay)
        try reader.assign("adam_beta1", to: &adamBeta1)
        try reader.assign("adam_beta2", to: &adamBeta2)
        try reader.assign("adam_epsilon", to: &adamEpsilon)
        try reader.assign("max_grad_norm", to: &maxGradNorm)
        try reader.assign("seed", to: &seed)
        try reader.assign("label_smoothing_factor", to: &labelSmoothingFactor)
        try reader.assign("class_weights", to: &classWeights)
        try reader.assign("eval_steps", to: &evalSteps)
        try reader.assign("metric_for_best_model", to: &metricForBestModel)
        try reader.assign("early_stopping_patience", to: &earlyStoppingPatience)
        try reader.assign("early_stopping_threshold", to: &earlyStoppingThreshold)
        try reader.assign("layerwise_lr_decay", to: &layerwiseLrDecay)
        try reader.assign("ema_decay", to: &emaDecay)
        try reader.assign("logging_steps", to: &loggingSteps)
        try reader.assign("group_by_length", to: &groupByLength)
        try reader.assign("optim", to: &optim)
        try reader.assign("gradient_checkpointing", to: &gradientCheckpointing)
        lora = try LoRAOptions(reader)
    }
}

extension TrainingArguments {
    /// Writes the arguments as settings, from which ``init(_:)`` reads them.
    func write(to settings: inout Settings) {
        settings.override("num_train_epochs", numTrainEpochs)
        settings.override("max_steps", maxSteps)
        settings.override("per_device_train_batch_size", perDeviceTrainBatchSize)
        settings.override("per_device_eval_batch_size", perDeviceEvalBatchSize)
        settings.override("gradient_accumulation_steps", gradientAccumulationSteps)
        settings.override("learning_rate", learningRate)
        settings.override("lr_scheduler_type", lrSchedulerType)
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
        settings.override("gradient_checkpointing", gradientCheckpointing)
        lora?.write(to: &settings)
    }
}
