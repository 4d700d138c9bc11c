extension ModelFamily {
    /// BERT (Devlin et al., arXiv 1810.04805), and MiniLM, whose models are BERTs.
    static let bert = ModelFamily(
        modelType: "bert", title: "BERT", classPrefix: "Bert",
        layout: .bert(base: "bert", dense: "bert.pooler.dense", classifier: "classifier"),
        encoder: { root, configuration in
            let bert = root["bert"]
            return EncoderParts(
                embeddings: try EncoderEmbeddings(bert["embeddings"], configuration),
                layers: try (0..<configuration.numHiddenLayers).map {
                    try PostNormLayer(bert["encoder"]["layer"][$0], configuration)
                })
        },
        sequenceHead: { root, configuration in
            try SequenceClassificationHead(
                dense: root["bert"]["pooler"]["dense"], classifier: root["classifier"], configuration,
                activation: .tanh)
        })
}
