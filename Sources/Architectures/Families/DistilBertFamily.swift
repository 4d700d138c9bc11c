extension ModelFamily {
    /// DistilBERT (Sanh et al., arXiv 1910.01108): BERT without token types, with names of its own.
    package static let distilbert = ModelFamily(
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
            embeddings: .bert("distilbert.embeddings"),
            layers: LayerPath(prefix: "distilbert.transformer.layer."),
            layer: PostNormLayerNames(
                query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
                attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm",
                intermediate: "ffn.lin1", output: "ffn.lin2", outputNorm: "output_layer_norm"),
            sequenceHead: .init(dense: "pre_classifier", activation: .relu, classifier: "classifier"),
            hasAxes: true))
}
