import Torch

/// The parts of a family's encoder.
struct EncoderParts {
    let embeddings: EncoderEmbeddings
    /// The layers in the order in which they run; a layer may occur several times.
    let layers: [any EncoderLayer]
    /// The norm after the last layer.
    var finalNorm: LayerNorm?
    /// What distances add to the attention scores of all layers.
    var positionBias: RelativePositionBias?
}

extension EncoderParts {
    /// Makes the parts of an encoder with BERT's layers, with a projection of narrower embeddings and layers
    /// that share parameters where the family has them.
    ///
    /// - Parameters:
    ///   - root: The root of the parameters.
    ///   - configuration: Sizes and names.
    ///   - hiddenDropout: The dropout probability after attention, in training; `nil` for the
    ///     configuration's.
    ///   - outputDropout: The dropout probability after the feed-forward network; `nil` for the
    ///     configuration's.
    init(
        postNorm root: ParameterScope, _ configuration: ModelConfiguration, hiddenDropout: Double? = nil,
        outputDropout: Double? = nil
    ) throws {
        let projection = try EncoderEmbeddings.projection(root, configuration)
        embeddings = try EncoderEmbeddings(
            root, configuration, projection: projection.map(EncoderEmbeddings.Projection.afterNorm))
        let groups = try (0..<configuration.layerGroups()).map {
            try PostNormLayer(
                root, configuration, index: $0, hiddenDropout: hiddenDropout, outputDropout: outputDropout)
        }
        layers = try (0..<configuration.numHiddenLayers).map { groups[try configuration.layerGroup($0)] }
    }
}
