import Torch

/// The head for sequence classification, from rows of hidden states (R, H) to logits (R, C): a dense layer
/// with an activation, and the classifier.
struct SequenceClassificationHead: Head {
    var rows = RowSelection.firstToken
    /// Dropout before the dense layer.
    var inputDropout = Dropout(0)
    let dense: Linear
    let activation: Activation
    /// The norm after the activation.
    var norm: LayerNorm?
    /// Dropout before the classifier.
    let dropout: Dropout
    let classifier: Linear

    func callAsFunction(_ hidden: Tensor, _ state: DropoutState?) throws -> Tensor {
        var hidden = try activation(dense.rows(inputDropout(hidden, state)))
        if let norm { hidden = try norm(hidden) }
        return try classifier.rows(dropout(hidden, state))
    }
}

extension SequenceClassificationHead {
    /// Makes a head whose layers have the model's width.
    ///
    /// - Parameters:
    ///   - root: The root of the parameters, where the family names its layers.
    ///   - activation: The activation after the dense layer; `nil` for the family's.
    ///   - inputDropout: The dropout probability before the dense layer, in training.
    ///   - dropout: The dropout probability before the classifier; `nil` for the configuration's.
    init(
        _ root: ParameterScope, _ configuration: ModelConfiguration, activation: ActivationName? = nil,
        inputDropout: Double = 0, dropout: Double? = nil
    ) throws {
        let names = configuration.family.layout.sequenceHead
        let width = configuration.hiddenSize
        self.inputDropout = Dropout(inputDropout)
        self.dense = try Linear(
            root[names.dense], inputs: width, outputs: width, initializer: configuration.initializer)
        self.activation = Activation(activation ?? names.activation)
        self.dropout = Dropout(
            dropout ?? configuration.classifierDropout ?? configuration.hiddenDropoutProb)
        self.classifier = try Linear(
            root[names.classifier], inputs: width, outputs: configuration.labelNames.count,
            initializer: configuration.initializer)
    }
}
