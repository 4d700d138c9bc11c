import Torch

/// From tokens' hidden states (R, H) to logits (R, C): the classifier alone.
struct TokenClassificationHead: Head {
    let rows = RowSelection.tokens
    let dropout: Dropout
    let classifier: Linear

    /// - Parameters:
    ///   - root: The root of the parameters, where all families call it `classifier`.
    ///   - dropout: The probability before the classifier, in training; `nil` for the configuration's.
    init(_ root: ParameterScope, _ configuration: ModelConfiguration, dropout: Double? = nil) throws {
        self.dropout = Dropout(
            dropout ?? configuration.classifierDropout ?? configuration.hiddenDropoutProb)
        classifier = try Linear(
            root["classifier"], inputs: configuration.hiddenSize, outputs: configuration.labelNames.count,
            initializer: configuration.initializer)
    }

    func callAsFunction(_ hidden: Tensor, _ state: DropoutState?) throws -> Tensor {
        try classifier.rows(dropout(hidden, state))
    }
}
