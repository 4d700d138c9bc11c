import Torch

/// The output of a forward pass. Shapes: R rows, C outputs of a row, T tokens of all examples one after
/// another, without padding, H hidden size.
public struct ModelOutput {
    /// (R, C) float32. A sequence classifier has one row for each example.
    public let logits: Tensor
    /// The selected hidden states by index, (T, H) float32: 0 is the output of the embeddings, k the output
    /// of layer k − 1.
    public let hiddenStates: [Int: Tensor]
    /// The selected projections by layer, counted from 0.
    public let projections: [Int: AttentionProjections]

    public init(
        logits: Tensor, hiddenStates: [Int: Tensor] = [:], projections: [Int: AttentionProjections] = [:]
    ) {
        self.logits = logits
        self.hiddenStates = hiddenStates
        self.projections = projections
    }
}
