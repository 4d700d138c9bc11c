import Torch

/// What a family's encoder is made of.
struct EncoderParts {
    let embeddings: EncoderEmbeddings
    /// In the order in which they run; a layer may occur several times.
    let layers: [any EncoderLayer]
    /// After the last layer.
    var finalNorm: LayerNorm?
}

extension EncoderParts {
    /// The parts of an encoder of BERT's layers, with a projection of narrower embeddings and layers that share parameters
    /// where the family has them.
    ///
    /// - Parameters:
    ///   - root: The root of the parameters.
    ///   - configuration: Sizes and names.
    ///   - hiddenDropout: After attention, in training; `nil` for the configuration's.
    ///   - outputDropout: After the feed-forward network; `nil` for the configuration's.
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
