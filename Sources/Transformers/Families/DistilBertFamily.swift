extension ModelFamily {
    /// DistilBERT (Sanh et al., arXiv 1910.01108): BERT without segments, with names of its own.
    static let distilbert = ModelFamily(
        modelType: "distilbert", title: "DistilBERT", classPrefix: "DistilBert",
        fields: .bert.with {
            $0.hiddenSize = .init("dim", 768)
            $0.numHiddenLayers = .init("n_layers", 6)
            $0.numAttentionHeads = .init("n_heads", 12)
            $0.intermediateSize = .init("hidden_dim", 3072)
            $0.typeVocabSize = nil
            $0.hiddenAct = .init("activation", .gelu)
            $0.hiddenDropoutProb = .init("dropout", 0.1)
            $0.attentionProbsDropoutProb = .init("attention_dropout", 0.1)
            $0.classifierDropout = .init("seq_classif_dropout", 0.2)
            $0.hasLayerNormEps = false
        },
        layout: ParameterLayout(
            base: "distilbert", baseParts: ["embeddings", "transformer"],
            wordTable: "distilbert.embeddings.word_embeddings.weight",
            layers: "distilbert.transformer.layer.",
            sequenceHead: HeadNames(dense: "pre_classifier", classifier: "classifier"),
            narrowing: NarrowingMap(
                layer: layerNames, embeddingNorm: "distilbert.embeddings.LayerNorm",
                tables: [
                    "distilbert.embeddings.word_embeddings.weight": [.whole, .hidden],
                    "distilbert.embeddings.position_embeddings.weight": [.whole, .hidden],
                ])),
        encoder: { root, configuration in
            let base = root["distilbert"]
            return EncoderParts(
                embeddings: try EncoderEmbeddings(base["embeddings"], configuration),
                layers: try (0..<configuration.numHiddenLayers).map {
                    // What attention puts out is not dropped.
                    try PostNormLayer(
                        base["transformer"]["layer"][$0], configuration, names: layerNames, hiddenDropout: 0)
                })
        },
        sequenceHead: { root, configuration in
            try SequenceClassificationHead(
                dense: root["pre_classifier"], classifier: root["classifier"], configuration,
                activation: .relu)
        },
        tokenHead: {
            try TokenClassificationHead($0, $1, dropout: $1.hiddenDropoutProb)
        })

    private static let layerNames = LayerNames(
        query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
        attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm", intermediate: "ffn.lin1",
        output: "ffn.lin2", outputNorm: "output_layer_norm")
}
