import Torch

/// How a forward pass is computed, and what it keeps.
public struct ForwardOptions {
    /// What matrices are multiplied in. Parameters, the residual stream and its normalization stay float32.
    public var precision: Precision
    /// The random state in training; `nil` in evaluation.
    public var dropout: DropoutState?
    /// What it keeps besides logits.
    public var features: FeatureSelection

    public init(
        precision: Precision = .float32, dropout: DropoutState? = nil,
        features: FeatureSelection = FeatureSelection()
    ) {
        self.precision = precision
        self.dropout = dropout
        self.features = features
    }
}
