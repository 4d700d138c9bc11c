extension ModelFamily {
    /// ALBERT (Lan et al., arXiv 1909.11942): narrower embedding tables, and layers that share their
    /// parameters.
    package static let albert = ModelFamily(
        modelType: "albert", title: "ALBERT", classPrefix: "Albert",
        fields: .bert.with {
            $0.vocabSize = .init("vocab_size", 30000)
            $0.hiddenSize = .init("hidden_size", 4096)
            $0.numAttentionHeads = .init("num_attention_heads", 64)
            $0.intermediateSize = .init("intermediate_size", 16384)
            $0.embeddingSize = .init("embedding_size", 128)
            $0.hiddenAct = .init("hidden_act", .geluNew)
            $0.hiddenDropoutProb = .init("hidden_dropout_prob", 0)
            $0.attentionProbsDropoutProb = .init("attention_probs_dropout_prob", 0)
            $0.classifierDropout = .init("classifier_dropout_prob", 0.1)
        },
        ownFields: ["num_hidden_groups"],
        products: ForwardProducts(alwaysProjectsEmbeddings: true),
        layerGroups: albertGroups,
        check: { _ = try albertGroups($0) },
        layout: ParameterLayout(
            base: "albert", baseParts: ["embeddings", "encoder", "pooler"],
            embeddings: .bert("albert.embeddings", projection: "albert.encoder.embedding_hidden_mapping_in"),
            layers: LayerPath(
                prefix: "albert.encoder.albert_layer_groups.", suffix: ".albert_layers.0", areShared: true),
            layer: PostNormLayerNames(
                query: "attention.query", key: "attention.key", value: "attention.value",
                attentionOutput: "attention.dense", attentionNorm: "attention.LayerNorm",
                intermediate: "ffn", output: "ffn_output", outputNorm: "full_layer_layer_norm"),
            sequenceHead: .init(dense: "albert.pooler", classifier: "classifier")))

    /// Returns the number of groups of consecutive layers that share their parameters.
    @Sendable
    private static func albertGroups(_ configuration: ModelConfiguration) throws -> Int {
        let reader = configuration.reader
        let groups = try reader.integer(
            "num_hidden_groups", default: 1, in: 1...ModelConfiguration.mostLayers)
        // Layers that run one after another within a group.
        _ = try reader.integer("inner_group_num", default: 1, in: 1...1)
        guard configuration.numHiddenLayers.isMultiple(of: groups) else {
            throw reader.error(
                "\"num_hidden_layers\" \(configuration.numHiddenLayers) is not divisible by \"num_hidden_groups\" "
                    + "\(groups); choose sizes that divide")
        }
        return groups
    }
}
