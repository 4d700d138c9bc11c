import Torch

extension EncoderBackbone {
    /// Runs a forward pass with libtorch's operations on a padded batch, and leaves out the padding of the
    /// result.
    func padded(_ input: PackedInput, _ rows: RowSelection, _ options: ForwardOptions) throws
        -> BackboneOutput
    {
        let features = options.features
        let batch = try ModelInput(
            input, paddingID: configuration.padTokenId, device: device,
            least: options.dropout?.before.longest ?? 0)
        var context = try LayerContext(
            attentionMask: batch.attentionMask, dtype: computeType(options.precision),
            dropout: options.dropout)
        context.recomputes = options.recomputes && isGradEnabled
        context.adapterDropout = options.adapterDropout
        let readsTokens = rows != .firstToken && rows != .mean
        let needsTokens = !features.isEmpty || readsTokens
        let tokens = needsTokens ? try input.places(device: device) : nil
        func unpadded(_ hidden: Tensor) throws -> Tensor {
            guard let tokens else { return hidden }
            return try hidden.reshaped([-1, configuration.hiddenSize]).indexSelect(dimension: 0, tokens)
        }
        var kept = FeatureCollector(features)
        let last = try run(batch, context) { number, hidden, _ in
            let compared = number < parts.layers.count && features.projections.contains(number)
            guard features.needsState(number) || compared else { return }
            let packed = try unpadded(hidden)
            kept.add(packed, number: number)
            if compared { try kept.add(parts.layers[number], number, input: packed, context.dtype) }
        }
        guard readsTokens else { return kept.output(try pooled(last, batch.attentionMask, rows)) }
        if case .pooled(let modes) = rows {
            return kept.output(try unpadded(last).pooled(modes, offsets: input.offsets))
        }
        return kept.output(try input.selected(of: unpadded(last)))
    }

    /// Runs a forward pass on a padded batch.
    ///
    /// - Parameter visit: Receives each hidden state (B, L, H) with its index, as transformers counts them,
    ///   and the attention probabilities of the layer that computed it, where they are wanted.
    /// - Returns: The last hidden state (B, L, H).
    func run(
        _ input: ModelInput, _ context: LayerContext, visit: (Int, Tensor, Tensor?) throws -> Void
    ) throws -> Tensor {
        var hidden = try parts.embeddings(input, context.dropout)
        try visit(0, hidden, nil)
        for (index, layer) in parts.layers.enumerated() {
            var probabilities: Tensor?
            if context.recomputes {
                hidden = try Recomputation.run(hidden, context.dropout) { x, state in
                    try LowRankDropout.drawing(from: state, context.adapterDropout) {
                        try layer(x, context.with(state)).output
                    }
                }
            } else {
                (hidden, probabilities) = try layer(hidden, context)
            }
            // The last hidden state is what the head reads.
            if index == parts.layers.count - 1, let norm = parts.finalNorm { hidden = try norm(hidden) }
            try visit(index + 1, hidden, probabilities)
        }
        return hidden
    }

    /// (B, L, H) → (B, H), or for ``RowSelection/tokens`` (B · L, H).
    func pooled(_ hidden: Tensor, _ attentionMask: Tensor, _ rows: RowSelection) throws -> Tensor {
        switch rows {
        case .firstToken: return try hidden.selected(dimension: 1, index: 0)
        case .mean:
            let mask = try attentionMask.to(.float32).unsqueezed(2)
            return try (hidden * mask).sum(1) / mask.sum(1)
        case .tokens: return try hidden.reshaped([-1, configuration.hiddenSize])
        case .pooled(let modes):
            let lengths: [Float] = try attentionMask.to(.float32).sum(1).to(.float32, .cpu).array()
            let offsets = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int($1)) }
            let width = try hidden.size(1)
            let places = zip(lengths.indices, lengths).flatMap { row, length in
                (0..<Int(length)).map { row * width + $0 }
            }
            let tokens = try hidden.reshaped([-1, configuration.hiddenSize]).indexSelect(
                dimension: 0, Tensor(places, device: hidden.device))
            return try tokens.pooled(modes, offsets: offsets)
        }
    }
}
