import Torch

/// The options of a forward pass: its precision, its dropout, and the features that it keeps.
public struct ForwardOptions {
    /// The precision of matrix products. Parameters, the residual stream and its normalization stay float32.
    public var precision: Precision
    /// The random state in training; `nil` in evaluation.
    public var dropout: DropoutState?
    /// The features that it keeps besides the logits.
    public var features: FeatureSelection
    /// True to stop before the head: ``ModelOutput/rows`` are then the hidden states that it would read.
    public var stopsBeforeHead: Bool
    /// True if the backward pass computes each layer again instead of keeping what its forward pass leaves.
    public var recomputes: Bool
    /// Dropout of what the model's adapters read; `nil` without it. The model sets it.
    var adapterDropout: LowRankDropout?

    public init(
        precision: Precision = .float32, dropout: DropoutState? = nil,
        features: FeatureSelection = FeatureSelection(), stopsBeforeHead: Bool = false,
        recomputes: Bool = false
    ) {
        self.precision = precision
        self.dropout = dropout
        self.features = features
        self.stopsBeforeHead = stopsBeforeHead
        self.recomputes = recomputes
    }
}
