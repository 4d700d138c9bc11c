import Torch

extension ModelFamily {
    /// ALBERT (Lan et al., arXiv 1909.11942): narrower tables, and layers that share their parameters.
    static let albert = ModelFamily(
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
        check: { _ = try AlbertGroups($0) },
        layout: ParameterLayout(
            base: "albert", baseParts: ["embeddings", "encoder", "pooler"],
            wordTable: "albert.embeddings.word_embeddings.weight", layers: nil,
            sequenceHead: HeadNames(classifier: "classifier")),
        encoder: { root, configuration in
            let albert = root["albert"]
            let encoder = albert["encoder"]
            let embeddings = try EncoderEmbeddings(
                albert["embeddings"], configuration,
                projection: .afterNorm(
                    Linear(
                        encoder["embedding_hidden_mapping_in"], inputs: configuration.embeddingSize,
                        outputs: configuration.hiddenSize, initializer: configuration.initializer)))
            return EncoderParts(
                embeddings: embeddings,
                layers: try AlbertGroups(configuration).layers(encoder["albert_layer_groups"], configuration))
        },
        sequenceHead: { root, configuration in
            try SequenceClassificationHead(
                dense: root["albert"]["pooler"], classifier: root["classifier"], configuration,
                activation: .tanh)
        })
}

/// How ALBERT's layers share their parameters: consecutive layers are a group, whose inner layers run one after another.
private struct AlbertGroups {
    let groups: Int
    let inner: Int

    init(_ configuration: ModelConfiguration) throws {
        let reader = configuration.reader
        groups = try reader.integer("num_hidden_groups", default: 1, in: 1...ModelConfiguration.mostLayers)
        inner = try reader.integer("inner_group_num", default: 1, in: 1...1)
        guard configuration.numHiddenLayers.isMultiple(of: groups) else {
            throw reader.error(
                "\"num_hidden_layers\" \(configuration.numHiddenLayers) is not divisible by \"num_hidden_groups\" "
                    + "\(groups); choose sizes that divide")
        }
    }

    func layers(_ scope: ParameterScope, _ configuration: ModelConfiguration) throws -> [any EncoderLayer] {
        let own = try (0..<groups).map {
            // Only what attention puts out is dropped.
            try PostNormLayer(
                scope[$0]["albert_layers"][0], configuration, names: Self.names, outputDropout: 0)
        }
        return (0..<configuration.numHiddenLayers).map { own[$0 * groups / configuration.numHiddenLayers] }
    }

    private static let names = LayerNames(
        query: "attention.query", key: "attention.key", value: "attention.value",
        attentionOutput: "attention.dense", attentionNorm: "attention.LayerNorm", intermediate: "ffn",
        output: "ffn_output", outputNorm: "full_layer_layer_norm")
}
