import Torch

/// What a forward pass gives. Shapes: R rows, C outputs of a row, T tokens of all examples one after another, without
/// padding, H hidden size.
public struct ModelOutput {
    /// (R, C) float32. A sequence classifier has one row for each example.
    public let logits: Tensor
    /// By number, (T, H) float32: 0 is the embeddings' output, k what layer k − 1 puts out; those that were selected.
    public let hiddenStates: [Int: Tensor]
    /// By layer, counted from 0; those that were selected.
    public let projections: [Int: AttentionProjections]

    public init(
        logits: Tensor, hiddenStates: [Int: Tensor] = [:], projections: [Int: AttentionProjections] = [:]
    ) {
        self.logits = logits
        self.hiddenStates = hiddenStates
        self.projections = projections
    }
}
