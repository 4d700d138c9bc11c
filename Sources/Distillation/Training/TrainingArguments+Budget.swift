extension TrainingArguments {
    /// A fraction of this training.
    func scaled(by budget: Double) -> TrainingArguments {
        var arguments = self
        arguments.numTrainEpochs *= budget
        if maxSteps > 0 { arguments.maxSteps = max(1, Int((Double(maxSteps) * budget).rounded())) }
        return arguments
    }
}

extension TrainingStage {
    /// A fraction of this stage.
    func scaled(by budget: Double) -> TrainingStage {
        var stage = self
        stage.numTrainEpochs = numTrainEpochs.map { $0 * budget }
        stage.maxSteps = maxSteps.map { max(1, Int((Double($0) * budget).rounded())) }
        return stage
    }
}
