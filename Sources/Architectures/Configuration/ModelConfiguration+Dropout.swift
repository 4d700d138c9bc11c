import JSON

extension ModelConfiguration {
    /// Gives every part of the model that has dropout the same probability of it in training: embeddings, what attention and the
    /// feed-forward layers give, attention's own probabilities, the pooler and the classifier.
    ///
    /// - Parameter probability: From 0 up to, but not including, 1.
    package mutating func setDropout(_ probability: Double) {
        if family.fields.hasHiddenDropout { hiddenDropoutProb = probability }
        attentionProbsDropoutProb = probability
        // Without a value of its own the classifier has that of the hidden states.
        if classifierDropout != nil { classifierDropout = probability }
        for key in family.fields.furtherDropouts { original[key] = .number(probability) }
    }
}
