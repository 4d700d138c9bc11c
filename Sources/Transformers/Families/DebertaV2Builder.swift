import Torch

extension FamilyBuilder {
    static let debertaV2 = FamilyBuilder(
        families: [.debertaV2],
        encoder: { root, configuration in
            let settings = try DebertaV2Settings(configuration)
            let projection = try EncoderEmbeddings.projection(root, configuration, bias: false)
            let embeddings = try EncoderEmbeddings(
                root, configuration, hasPositions: settings.addsPositions,
                projection: projection.map(EncoderEmbeddings.Projection.beforeNorm))
            let positions = try settings.relative.map { try RelativePositions(root, configuration, $0) }
            return EncoderParts(
                embeddings: embeddings,
                layers: try (0..<configuration.numHiddenLayers).map { index in
                    try PostNormLayer(root, configuration, index: index) {
                        try DisentangledAttention($0, configuration, settings, positions)
                    }
                })
        },
        sequenceHead: { root, configuration in
            let settings = try DebertaV2Settings(configuration)
            return try SequenceClassificationHead(
                root, configuration, activation: settings.poolerActivation,
                inputDropout: settings.poolerDropout)
        },
        tokenHead: { try TokenClassificationHead($0, $1, dropout: $1.hiddenDropoutProb) })
}
