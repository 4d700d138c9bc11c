import CTorch

/// A quantized transformer layer for inference, each of its weights int8 or float32, on packed sequences, in one
/// operation.
///
/// Shapes: T tokens of all examples, B examples, H hidden size.
public final class PackedMixedLayer {
    private let layer: ct_mixed_layer
    private let hidden: Int

    /// True if this package's kernels should compute int8 layers here (``PackedKernels/arePreferred(for:on:)``).
    public static var isPreferred: Bool { PackedKernels.arePreferred(for: .int8, on: .cpu) }

    /// Levels of an activation on each side of zero: 127, or 63 on processors without VNNI, whose products of 8 bits
    /// would saturate.
    public static var activationLevels: Int { Int(ct_mixed_levels()) }

    /// - Parameters:
    ///   - query: H → H with a bias, as the other projections of attention.
    ///   - key: H → H.
    ///   - value: H → H.
    ///   - attentionOutput: H → H, from the joined heads.
    ///   - attentionNorm: After attention and its residual.
    ///   - intermediate: H → intermediate size, with a bias.
    ///   - output: Intermediate size → H, with a bias.
    ///   - outputNorm: After the feed-forward network and its residual.
    ///   - heads: A divisor of H.
    ///   - activation: Between `intermediate` and `output`.
    /// - Returns: `nil` if a bias is missing, a layer has a hook or takes one scale for each batch, or the kernels do
    ///   not support the activation.
    /// - Throws: ``TorchError`` where shapes do not fit.
    public init?(
        query: Linear, key: Linear, value: Linear, attentionOutput: Linear, attentionNorm: LayerNorm,
        intermediate: Linear, output: Linear, outputNorm: LayerNorm, heads: Int, activation: Activation
    ) throws {
        let linears = [query, key, value, attentionOutput, intermediate, output]
        guard let code = PackedEncoderLayer.code(activation), attentionNorm.epsilon == outputNorm.epsilon,
            linears.allSatisfy({
                $0.bias != nil && $0.instrument == nil && $0.int8?.input != .perTensor
                    && $0.weight.device.kind == .cpu
            }), attentionNorm.weight.count.isMultiple(of: heads)
        else { return nil }
        func pair(_ linear: Linear) -> [Tensor] { [linear.weight] + [linear.bias].compactMap(\.self) }
        let parameters =
            linears[..<4].flatMap(pair) + [attentionNorm.weight, attentionNorm.bias]
            + linears[4...].flatMap(pair) + [outputNorm.weight, outputNorm.bias]
        hidden = attentionNorm.weight.count
        let options = ct_layer_options(
            hidden: Int64(hidden), intermediate: Int64(intermediate.bias?.count ?? 0),
            heads: Int64(heads), activation: code, bfloat16: false, first_only: false, recompute: false,
            epsilon: attentionNorm.epsilon, attention_dropout: 0, hidden_dropout: 0, output_dropout: 0,
            seed: 0, offset: 0, rows_before: 0, attention_blocks_before: 0)
        let scales: [ct_tensor?] = linears.map { $0.int8?.weight.scales.handle }
        let inputs = linears.map { ($0.int8?.input ?? .perToken).code }
        var made: ct_mixed_layer?
        try withExtendedLifetime(linears) {
            try Tensor.withHandles(parameters) { handles, _ in
                try check(ct_mixed_layer_make(handles, scales, inputs, options, &made))
            }
        }
        guard let made else { throw TorchError(kind: .internal, "mixed_layer returned nothing") }
        layer = made
    }

    deinit { ct_mixed_layer_free(layer) }

    /// - Parameters:
    ///   - x: (T, H), float32.
    ///   - sequences: The offsets of the examples.
    ///   - firstOnly: Only each example's first token is wanted: all else of the layer's work is left out.
    ///   - positionBias: As that of ``PackedEncoderLayer``.
    /// - Returns: (T, H), or (B, H) of the first tokens; without a gradient.
    /// - Throws: ``TorchError`` where shapes do not fit.
    public func callAsFunction(
        _ x: Tensor, _ sequences: PackedSequences, firstOnly: Bool, positionBias: Tensor? = nil
    ) throws -> Tensor {
        try .make {
            ct_mixed_layer_run(
                layer, x.handle, sequences.tensor.handle, firstOnly, positionBias?.handle, $0)
        }
    }
}
