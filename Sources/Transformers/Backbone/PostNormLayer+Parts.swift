import Torch

extension PostNormLayer {
    /// The intermediate results of a layer. Shapes: B batch, L length, H hidden size, F the feed-forward network's width.
    struct Parts {
        /// (B, L, H): the joined heads.
        let heads: Tensor
        /// (B, L, H): the attention's output added to the layer's input.
        let attentionSum: Tensor
        /// (B, L, H): the same, normalized.
        let attended: Tensor
        /// (B, L, F): the feed-forward network's neurons before their activation.
        let neurons: Tensor
        /// (B, L, H): the feed-forward network's output added to its input.
        let outputSum: Tensor
        /// (B, L, H): the same, normalized: the layer's output.
        let output: Tensor
    }

    /// Computes a layer without dropout and keeps what is in between.
    func parts(_ x: Tensor, _ context: LayerContext) throws -> Parts {
        let heads = try attention(x, context).output
        let attentionSum = try attentionOutput(heads) + x
        let attended = try attentionNorm(attentionSum)
        let neurons = try intermediate(attended)
        let outputSum = try output(activation(neurons)) + attended
        return Parts(
            heads: heads, attentionSum: attentionSum, attended: attended, neurons: neurons,
            outputSum: outputSum, output: try outputNorm(outputSum))
    }
}
