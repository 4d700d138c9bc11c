/// The names of a head's layers.
package struct HeadNames: Sendable {
    /// The dense layer before the classifier; `nil` where there is none.
    package let dense: String?
    /// The layer that computes the logits.
    package let classifier: String

    /// The parameters of the layer that computes the logits.
    package var outputs: Set<String> { ["\(classifier).weight", "\(classifier).bias"] }
}

/// The head for sequence classification: a dense layer, an activation and the classifier.
package struct SequenceHeadNames: Sendable {
    package let dense: String
    /// The activation after the dense layer; the default where `config.json` can name another.
    package var activation = ActivationName.tanh
    /// The norm after the activation; `nil` where there is none.
    package var norm: String?
    /// The layer that computes the logits.
    package let classifier: String
}
