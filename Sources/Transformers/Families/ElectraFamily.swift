import Torch

extension ModelFamily {
    /// ELECTRA's discriminator (Clark et al., arXiv 2003.10555): BERT with narrower tables and a head of its own.
    static let electra = ModelFamily(
        modelType: "electra", title: "ELECTRA", classPrefix: "Electra",
        fields: .bert.with {
            $0.hiddenSize = .init("hidden_size", 256)
            $0.numAttentionHeads = .init("num_attention_heads", 4)
            $0.intermediateSize = .init("intermediate_size", 1024)
            $0.embeddingSize = .init("embedding_size", 128)
        },
        layout: ParameterLayout(
            base: "electra", baseParts: ["embeddings", "embeddings_project", "encoder"],
            wordTable: "electra.embeddings.word_embeddings.weight", layers: "electra.encoder.layer.",
            sequenceHead: HeadNames(classifier: "classifier.out_proj")),
        encoder: { root, configuration in
            let electra = root["electra"]
            // Before the layers, as transformers has them.
            let projection =
                configuration.embeddingSize == configuration.hiddenSize
                ? nil
                : try Linear(
                    electra["embeddings_project"], inputs: configuration.embeddingSize,
                    outputs: configuration.hiddenSize, initializer: configuration.initializer)
            return EncoderParts(
                embeddings: try EncoderEmbeddings(
                    electra["embeddings"], configuration,
                    projection: projection.map(EncoderEmbeddings.Projection.afterNorm)),
                layers: try (0..<configuration.numHiddenLayers).map {
                    try PostNormLayer(electra["encoder"]["layer"][$0], configuration)
                })
        },
        sequenceHead: { root, configuration in
            try SequenceClassificationHead(
                dense: root["classifier"]["dense"], classifier: root["classifier"]["out_proj"],
                configuration, activation: .gelu,
                inputDropout: configuration.classifierDropout ?? configuration.hiddenDropoutProb)
        })
}
