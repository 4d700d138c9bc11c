import JSON

extension ModelFamily {
    /// DeBERTa, versions 2 and 3 (He et al., arXiv 2006.03654 and 2111.09543).
    package static let debertaV2 = ModelFamily(
        modelType: "deberta-v2", title: "DeBERTa v2", classPrefix: "DebertaV2",
        fields: .bert.with {
            $0.vocabSize = .init("vocab_size", 128100)
            $0.hiddenSize = .init("hidden_size", 1536)
            $0.numHiddenLayers = .init("num_hidden_layers", 24)
            $0.numAttentionHeads = .init("num_attention_heads", 24)
            $0.intermediateSize = .init("intermediate_size", 6144)
            $0.typeVocabSize = .init("type_vocab_size", 0)
            $0.embeddingSize = .init("embedding_size", nil)
            $0.layerNormEps = .init("layer_norm_eps", 1e-7)
            $0.classifierDropout = .init("cls_dropout", nil)
            $0.furtherDropouts = ["pooler_dropout"]
        },
        ownFields: ["relative_attention"],
        attentionPositions: .disentangled,
        products: ForwardProducts(attentionIsPlain: false),
        check: { _ = try DebertaV2Settings($0) },
        adjust: { json, configuration in
            if json["pooler_hidden_size"] != nil {
                json["pooler_hidden_size"] = .integer(configuration.hiddenSize)
            }
        },
        layout: ParameterLayout(
            base: "deberta", baseParts: ["embeddings", "encoder"],
            embeddings: .bert("deberta.embeddings", projection: "deberta.embeddings.embed_proj"),
            layers: LayerPath(prefix: "deberta.encoder.layer."),
            layer: PostNormLayerNames(
                query: "attention.self.query_proj", key: "attention.self.key_proj",
                value: "attention.self.value_proj"),
            sequenceHead: .init(dense: "pooler.dense", activation: .gelu, classifier: "classifier")))
}

/// The names of the parameters that only this family has.
package enum DebertaV2Names {
    /// In a layer: the projections of relative distances, where they are not shared with tokens.
    package static let positionKey = "attention.self.pos_key_proj"
    package static let positionQuery = "attention.self.pos_query_proj"
    /// The embedding table of relative distances that all layers share, and its norm.
    package static let distances = "deberta.encoder.rel_embeddings"
    package static let distanceNorm = "deberta.encoder.LayerNorm"
}

/// The fields of `config.json` that only this family has.
package struct DebertaV2Settings: Sendable {
    /// The dependence of attention scores on the distance of two tokens.
    package struct Relative: Sendable {
        /// The largest distance; larger ones are clipped to it.
        package let largestDistance: Int
        /// The number of buckets, which widen with the distance, on each side; 0 for none.
        package let buckets: Int
        /// True if the table of distances is normalized.
        package let isNormalised: Bool

        /// The number of distinct distances on each side.
        package var span: Int { buckets > 0 ? buckets : largestDistance }
    }

    package let relative: Relative?
    /// True if scores have a term of a token and the other's distance (content-to-position).
    package let contentToPosition: Bool
    /// True if scores have a term of the distance and the other token (position-to-content).
    package let positionToContent: Bool
    /// True if distances use the projections of tokens.
    package let sharesProjections: Bool
    /// True if position embeddings are added to the token embeddings.
    package let addsPositions: Bool
    package let poolerActivation: ActivationName
    package let poolerDropout: Double

    package init(_ configuration: ModelConfiguration) throws {
        let reader = configuration.reader
        let sizes = -1...ModelConfiguration.largestSize
        if try reader.boolean("relative_attention", default: false) {
            let largest = try reader.integer("max_relative_positions", default: -1, in: sizes)
            let norm = reader.optional("norm_rel_ebd")?.stringValue ?? "none"
            relative = Relative(
                largestDistance: largest < 1 ? configuration.maxPositionEmbeddings : largest,
                buckets: max(0, try reader.integer("position_buckets", default: -1, in: sizes)),
                isNormalised: norm.lowercased().split(separator: "|").map { $0.filter { $0 != " " } }
                    .contains("layer_norm"))
        } else {
            relative = nil
        }
        let types = try Self.attentionTypes(reader)
        contentToPosition = types.contains("c2p")
        positionToContent = types.contains("p2c")
        sharesProjections = try reader.boolean("share_att_key", default: false)
        addsPositions = try reader.boolean("position_biased_input", default: true)
        poolerActivation = try reader.activation(
            "pooler_hidden_act", default: configuration.family.layout.sequenceHead.activation)
        poolerDropout = try reader.dropout("pooler_dropout", default: 0)
    }

    /// `pos_att_type`: a list, or names joined by `|`.
    private static func attentionTypes(_ reader: ConfigurationReader) throws -> [String] {
        guard let value = reader.optional("pos_att_type") else { return [] }
        let names =
            value.stringValue?.lowercased().split(separator: "|").map { String($0.filter { $0 != " " }) }
            ?? value.arrayValue?.compactMap(\.stringValue)
        guard let names, names.allSatisfy(["c2p", "p2c", ""].contains) else {
            throw reader.error("pos_att_type", "must be of \"c2p\" and \"p2c\"", value)
        }
        return names
    }
}
