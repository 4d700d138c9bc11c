import Torch

/// The features that a forward pass on padded input keeps besides the logits.
struct PaddedSelection: OptionSet {
    let rawValue: Int
    static let hiddenStates = PaddedSelection(rawValue: 1)
    static let attentions = PaddedSelection(rawValue: 2)
}

/// The output of a forward pass on padded input. Shapes: B batch, C outputs, L length, H hidden size.
struct PaddedOutput {
    /// (B, C); of a token classifier (B · L, C).
    let logits: Tensor
    /// The outputs of the embeddings and of each layer, (B, L, H); empty unless selected.
    var hiddenStates: [Tensor] = []
    /// Each layer's attention probabilities before dropout, (B, heads, L, L); empty unless selected.
    var attentions: [Tensor] = []
}

extension TransformerModel {
    /// Runs a padded batch as transformers does; where only logits are wanted, by the fastest path. It serves
    /// comparisons with transformers; everything else takes batches without padding.
    func callAsFunction(
        _ input: ModelInput, precision: Precision = .float32, dropout: DropoutState? = nil,
        selecting: PaddedSelection = []
    ) throws -> PaddedOutput {
        try input.validate(maxLength: configuration.maxLength)
        let backbone = try encoder
        let isPacked =
            backbone.usesInt8Kernels(head.rows, dropout) || backbone.usesKernels(precision, head.rows)
        if selecting.isEmpty, isPacked, head.rows == .firstToken, let packed = try input.packed() {
            return PaddedOutput(
                logits: try self(packed, ForwardOptions(precision: precision, dropout: dropout)).logits)
        }
        let context = try LayerContext(
            attentionMask: input.attentionMask, dtype: backbone.computeType(precision), dropout: dropout,
            needsProbabilities: selecting.contains(.attentions))
        var hiddenStates: [Tensor] = []
        var attentions: [Tensor] = []
        let last = try backbone.run(input, context) { _, hidden, probabilities in
            if selecting.contains(.hiddenStates) { hiddenStates.append(hidden) }
            if let probabilities { attentions.append(probabilities) }
        }
        let rows = try backbone.pooled(last, input.attentionMask, head.rows)
        return PaddedOutput(
            logits: try head(rows, dropout), hiddenStates: hiddenStates, attentions: attentions)
    }
}
