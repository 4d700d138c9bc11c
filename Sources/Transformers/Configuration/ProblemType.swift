/// What a classifier's outputs mean, by the names of transformers' `problem_type`.
public enum ProblemType: String, CaseIterable, Sendable, Codable {
    /// One class of several: softmax and cross-entropy.
    case singleLabel = "single_label_classification"
    /// Any number of classes at once: sigmoid and binary cross-entropy.
    case multiLabel = "multi_label_classification"
    /// A number: mean squared error.
    case regression
}
