import Torch

extension FamilyBuilder {
    static let modernbert = FamilyBuilder(
        families: [.modernbert],
        encoder: { root, configuration in
            let settings = try ModernBertSettings(configuration)
            let embeddings = try EncoderEmbeddings(
                root, configuration, hasPositions: false, normHasBias: settings.normBias)
            let tables = RotaryEmbedding(headSize: configuration.headSize)
            let layers = try (0..<configuration.numHiddenLayers).map {
                try ModernBertLayer(root, configuration, settings, index: $0, tables)
            }
            let finalNorm = try LayerNorm(
                root[ModernBertNames.finalNorm], width: configuration.hiddenSize,
                epsilon: configuration.layerNormEps, bias: settings.normBias)
            return EncoderParts(embeddings: embeddings, layers: layers, finalNorm: finalNorm)
        },
        sequenceHead: {
            switch try ModernBertSettings($1).pooling {
            case .firstToken: try modernbertHead($0, $1, .firstToken)
            case .mean: try modernbertHead($0, $1, .mean)
            }
        },
        tokenHead: { try modernbertHead($0, $1, .tokens) })

    /// The same head on each example's summary and on each token.
    private static func modernbertHead(
        _ root: ParameterScope, _ configuration: ModelConfiguration, _ rows: RowSelection
    ) throws -> any Head {
        let settings = try ModernBertSettings(configuration)
        let names = configuration.family.layout.sequenceHead
        let width = configuration.hiddenSize
        return SequenceClassificationHead(
            rows: rows,
            dense: try Linear(
                root[names.dense], inputs: width, outputs: width, bias: settings.classifierBias,
                initializer: configuration.initializer),
            activation: Activation(settings.classifierActivation),
            norm: try names.norm.map {
                try LayerNorm(
                    root[$0], width: width, epsilon: configuration.layerNormEps, bias: settings.normBias)
            },
            dropout: Dropout(configuration.classifierDropout ?? 0),
            classifier: try Linear(
                root[names.classifier], inputs: width, outputs: configuration.labelNames.count,
                initializer: configuration.initializer))
    }
}
