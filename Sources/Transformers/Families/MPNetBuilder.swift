import Torch

extension FamilyBuilder {
    static let mpnet = FamilyBuilder(
        families: [.mpnet],
        encoder: { root, configuration in
            let embeddings = try EncoderEmbeddings(root, configuration)
            let bias = try RelativePositionBias(
                root[MPNetNames.positionBias], buckets: MPNetNames.distances,
                heads: configuration.numAttentionHeads, initializer: configuration.initializer)
            return EncoderParts(
                embeddings: embeddings,
                layers: try (0..<configuration.numHiddenLayers).map {
                    try PostNormLayer(root, configuration, index: $0, positionBias: bias)
                }, positionBias: bias)
        },
        sequenceHead: {
            try SequenceClassificationHead(
                $0, $1, inputDropout: $1.hiddenDropoutProb, dropout: $1.hiddenDropoutProb)
        },
        tokenHead: { try TokenClassificationHead($0, $1, dropout: $1.hiddenDropoutProb) })
}
