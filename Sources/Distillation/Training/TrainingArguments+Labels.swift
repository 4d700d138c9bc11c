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

    /// Refuses what the label loss of a task does not have.
    ///
    /// - Throws: ``DistillationError``, which names the setting.
    func requireFitting(_ task: TaskIdentifier) throws {
        let outputs = task.definition.outputs
        for (name, isStated) in [
            ("class_weights", classWeights != nil), ("label_smoothing_factor", labelSmoothingFactor != 0),
        ] where isStated && task.predictsTokens {
            throw DistillationError(
                "\(name) is for classes, and the labels of a model for \(task.rawValue) are the tokens of a vocabulary; leave it out"
            )
        }
        guard classWeights == nil || outputs != .real && outputs != .vector else {
            throw DistillationError(
                "class_weights weighs classes, and a model for \(task.rawValue) has none; leave it out")
        }
        guard labelSmoothingFactor == 0 || outputs == .softmax || outputs == .tokens else {
            throw DistillationError(
                "label_smoothing_factor spreads the label of one class over all, and the labels of a model for \(task.rawValue) are "
                    + "no such; leave it out")
        }
    }
}

extension DataRequest {
    /// Refuses what the labels of a task are not.
    ///
    /// - Throws: ``DistillationError``, which names the setting.
    func requireFitting(_ task: TaskIdentifier) throws {
        guard rowUnit == .words || task.definition.labelsWords else {
            throw DistillationError(
                "label_tokens chooses the tokens of a word that are labeled, and a model for \(task.rawValue) labels no words; leave "
                    + "it out")
        }
    }
}
