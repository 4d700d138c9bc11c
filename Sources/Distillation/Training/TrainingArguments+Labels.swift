import Transformers

extension TrainingArguments {
    /// The loss between outputs and labels.
    func labelObjective(_ problemType: TaskIdentifier, weight: Schedule = 1) -> ObjectiveSpecification {
        var options: [String: String] = [:]
        if let classWeights { options["class_weights"] = classWeights }
        switch problemType {
        case .singleLabel:
            if labelSmoothingFactor != 0 { options["label_smoothing"] = String(labelSmoothingFactor) }
            return .init("cross_entropy", weight: weight, options: options)
        case .multiLabel: return .init("binary_cross_entropy", weight: weight, options: options)
        case .regression: return .init("mse", weight: weight)
        }
    }
}
