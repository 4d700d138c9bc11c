import Torch

/// The head for token classification, from tokens' hidden states (R, H) to logits (R, C): the classifier
/// alone.
struct TokenClassificationHead: Head {
    let rows = RowSelection.tokens
    let dropout: Dropout
    let classifier: Linear

    /// - Parameters:
    ///   - root: The root of the parameters.
    ///   - dropout: The dropout probability before the classifier, in training; `nil` for the
    ///     configuration's.
    init(_ root: ParameterScope, _ configuration: ModelConfiguration, dropout: Double? = nil) throws {
        self.dropout = Dropout(
            dropout ?? configuration.classifierDropout ?? configuration.hiddenDropoutProb)
        let names = configuration.family.layout.head(.tokenClassification)
        classifier = try Linear(
            root[names.classifier], inputs: configuration.hiddenSize, outputs: configuration.labelNames.count,
            initializer: configuration.initializer)
    }

    func callAsFunction(_ hidden: Tensor, _ state: DropoutState?) throws -> Tensor {
        try classifier.rows(dropout(hidden, state, over: .rows))
    }
}
