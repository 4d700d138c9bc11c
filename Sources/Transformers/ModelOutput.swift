import Torch

/// The output of a forward pass. Shapes: R rows, C outputs of a row, T tokens of all examples one after
/// another, without padding, H hidden size.
public struct ModelOutput {
    /// (R, C) float32: the logits; or (R, H), the hidden states that the head reads, where the pass stopped before it. A
    /// sequence classifier has one row for each example.
    public let rows: Tensor
    /// True if the forward pass stopped before the head.
    public let isBeforeHead: Bool
    /// The selected hidden states by index, (T, H) float32: 0 is the output of the embeddings, k the output
    /// of layer k − 1.
    public let hiddenStates: [Int: Tensor]
    /// The selected projections by layer, counted from 0.
    public let projections: [Int: AttentionProjections]

    public init(
        logits: Tensor, hiddenStates: [Int: Tensor] = [:], projections: [Int: AttentionProjections] = [:]
    ) {
        self.init(
            rows: logits, isBeforeHead: false, hiddenStates: hiddenStates, projections: projections)
    }

    init(
        rows: Tensor, isBeforeHead: Bool, hiddenStates: [Int: Tensor],
        projections: [Int: AttentionProjections]
    ) {
        self.rows = rows
        self.isBeforeHead = isBeforeHead
        self.hiddenStates = hiddenStates
        self.projections = projections
    }

    /// (R, C) float32. A forward pass that stopped before the head has none.
    public var logits: Tensor {
        precondition(!isBeforeHead, "the forward pass stopped before the head; there are no logits")
        return rows
    }
}
