import Architectures
import DistillRuntime

/// A model's prediction, as the runtime without libtorch makes it too.
public typealias Prediction = DistillRuntime.Prediction

/// A label with a number, such as its probability.
public typealias LabelScore = DistillRuntime.LabelScore

/// Makes entities of a model's predictions for tokens, as the runtime without libtorch does too.
public typealias EntityAggregation = DistillRuntime.EntityAggregation

/// A model's logit is infinite or not a number; the runtime without libtorch throws it too.
public typealias NonFiniteLogitsError = DistillRuntime.NonFiniteLogitsError

extension Logits {
    /// The prediction of each row.
    func predictions(
        _ labels: [String], _ task: TaskIdentifier, threshold: Double, activation: ScoreActivation? = nil
    ) -> [Prediction] {
        (0..<count).compactMap {
            Prediction(
                logits: self[$0], labels: labels, task: task, threshold: threshold, activation: activation)
        }
    }
}
