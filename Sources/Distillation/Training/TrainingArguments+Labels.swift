import Transformers

extension TrainingArguments {
    /// The loss between outputs and labels.
    func labelObjective(_ problemType: TaskIdentifier, weight: Schedule = 1) -> ObjectiveSpecification {
        let task = problemType.definition
        var options: [String: String] = [:]
        if task.outputs != .real, let classWeights { options["class_weights"] = classWeights }
        if task.outputs == .softmax || task.outputs == .tokens, labelSmoothingFactor != 0 {
            options["label_smoothing"] = String(labelSmoothingFactor)
        }
        return .init(task.labelObjective, weight: weight, options: options)
    }
}
