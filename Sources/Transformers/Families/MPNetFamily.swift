import Torch

extension ModelFamily {
    /// MPNet (Song et al., arXiv 2004.09297): attention with a bias by relative position, which all layers share.
    static let mpnet = ModelFamily(
        modelType: "mpnet", title: "MPNet", classPrefix: "MPNet",
        fields: .bert.with {
            $0.vocabSize = .init("vocab_size", 30527)
            $0.padTokenId = .init("pad_token_id", 1)
            $0.typeVocabSize = nil
        },
        positionsFollowPadding: true,
        // Whatever the padding token's number is.
        paddingRow: 1,
        products: ForwardProducts(cutsLastLayer: false),
        check: checkBuckets,
        layout: ParameterLayout(
            base: "mpnet", baseParts: ["embeddings", "encoder", "pooler"],
            wordTable: "mpnet.embeddings.word_embeddings.weight", layers: "mpnet.encoder.layer.",
            sequenceHead: HeadNames(classifier: "classifier.out_proj")),
        encoder: { root, configuration in
            let mpnet = root["mpnet"]
            let embeddings = try EncoderEmbeddings(mpnet["embeddings"], configuration)
            let bias = try RelativePositionBias(
                mpnet["encoder"]["relative_attention_bias"], buckets: buckets,
                heads: configuration.numAttentionHeads, initializer: configuration.initializer)
            return EncoderParts(
                embeddings: embeddings,
                layers: try (0..<configuration.numHiddenLayers).map {
                    try PostNormLayer(
                        mpnet["encoder"]["layer"][$0], configuration, names: layerNames, positionBias: bias)
                })
        },
        sequenceHead: { root, configuration in
            try SequenceClassificationHead(
                dense: root["classifier"]["dense"], classifier: root["classifier"]["out_proj"],
                configuration, activation: .tanh, inputDropout: configuration.hiddenDropoutProb,
                dropout: configuration.hiddenDropoutProb)
        },
        tokenHead: {
            try TokenClassificationHead($0, $1, dropout: $1.hiddenDropoutProb)
        })

    private static let layerNames = LayerNames(
        query: "attention.attn.q", key: "attention.attn.k", value: "attention.attn.v",
        attentionOutput: "attention.attn.o", attentionNorm: "attention.LayerNorm")

    /// transformers knows this many, whatever the size of the table.
    private static let buckets = 32

    @Sendable
    private static func checkBuckets(_ configuration: ModelConfiguration) throws {
        try configuration.reader.refuse(
            "relative_attention_num_buckets", unless: { $0.intValue == buckets }, "only \(buckets) are")
    }
}
