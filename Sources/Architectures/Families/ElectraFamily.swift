extension ModelFamily {
    /// ELECTRA's discriminator (Clark et al., arXiv 2003.10555): BERT with narrower embedding tables and a
    /// head of its own.
    package static let electra = ModelFamily(
        modelType: "electra", title: "ELECTRA", classPrefix: "Electra",
        fields: .bert.with {
            $0.hiddenSize = .init("hidden_size", 256)
            $0.numAttentionHeads = .init("num_attention_heads", 4)
            $0.intermediateSize = .init("intermediate_size", 1024)
            $0.embeddingSize = .init("embedding_size", 128)
        },
        layout: ParameterLayout(
            base: "electra", baseParts: ["embeddings", "embeddings_project", "encoder"],
            embeddings: .bert("electra.embeddings", projection: "electra.embeddings_project"),
            layers: LayerPath(prefix: "electra.encoder.layer."), layer: .bert,
            sequenceHead: .init(
                dense: "classifier.dense", activation: .gelu, classifier: "classifier.out_proj")))
}
