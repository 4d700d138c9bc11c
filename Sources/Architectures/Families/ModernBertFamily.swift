import JSON

extension ModelFamily {
    /// ModernBERT (Warner et al., arXiv 2412.13663): pre-norm layers, rotary position embeddings, gated
    /// feed-forward networks, and layers with local (sliding-window) attention.
    package static let modernbert = ModelFamily(
        modelType: "modernbert", title: "ModernBERT", classPrefix: "ModernBert",
        fields: .bert.with {
            $0.vocabSize = .init("vocab_size", 50368)
            $0.numHiddenLayers = .init("num_hidden_layers", 22)
            $0.intermediateSize = .init("intermediate_size", 1152)
            $0.maxPositionEmbeddings = .init("max_position_embeddings", 8192)
            $0.typeVocabSize = nil
            $0.padTokenId = .init("pad_token_id", 50283)
            $0.hiddenAct = .init("hidden_activation", .gelu)
            $0.hiddenDropoutProb = .init("embedding_dropout", 0)
            $0.attentionProbsDropoutProb = .init("attention_dropout", 0)
            $0.classifierDropout = .init("classifier_dropout", 0)
            $0.furtherDropouts = ["mlp_dropout"]
            $0.layerNormEps = .init("norm_eps", 1e-5)
        },
        ownFields: ["local_attention", "layer_types", "rope_parameters", "rope_theta"],
        attentionPositions: .rotary,
        products: ForwardProducts(feedForward: 3, cutsLastLayer: false),
        check: { _ = try ModernBertSettings($0) },
        adjust: { json, configuration in
            // It has an entry for each layer; without it every third is global, as here.
            guard let types = json["layer_types"]?.arrayValue, types.count != configuration.numHiddenLayers
            else {
                return
            }
            json["layer_types"] = .array(Array(types.prefix(configuration.numHiddenLayers)))
        },
        layout: ParameterLayout(
            base: "model", baseParts: ["embeddings", "layers", "final_norm"],
            embeddings: EmbeddingNames(
                path: "model.embeddings", word: "model.embeddings.tok_embeddings", position: nil,
                tokenType: nil, norm: "model.embeddings.norm"),
            layers: LayerPath(prefix: "model.layers."), layer: nil,
            sequenceHead: .init(
                dense: "head.dense", activation: .gelu, norm: "head.norm", classifier: "classifier")))
}

/// The names of the parameters that only this family has.
package enum ModernBertNames {
    /// The norm after the last layer.
    package static let finalNorm = "model.final_norm"
    /// In a layer: attention; the first layer has no norm before it.
    package static let attentionNorm = "attn_norm"
    package static let queryKeyValue = "attn.Wqkv"
    package static let attentionOutput = "attn.Wo"
    /// In a layer: the feed-forward network.
    package static let feedForwardNorm = "mlp_norm"
    package static let input = "mlp.Wi"
    package static let output = "mlp.Wo"
}

/// The fields of `config.json` that only this family has.
package struct ModernBertSettings: Sendable {
    /// The pooling by which a sequence classifier reads an example.
    package enum Pooling: String, Sendable {
        case firstToken = "cls"
        /// The mean over its tokens.
        case mean
    }

    /// The number of tokens that each layer attends to on each side; `nil` for all.
    package let windows: [Int?]
    /// The base of the rotary frequencies of layers with global attention, and of those with local attention.
    package let globalTheta: Double
    package let localTheta: Double
    package let normBias: Bool
    package let attentionBias: Bool
    package let feedForwardBias: Bool
    package let feedForwardDropout: Double
    package let classifierBias: Bool
    package let classifierActivation: ActivationName
    /// The pooling by which a sequence classifier reads an example.
    package let pooling: Pooling

    package init(_ configuration: ModelConfiguration) throws {
        let reader = configuration.reader
        let window =
            try reader.integer("local_attention", default: 128, in: 1...ModelConfiguration.largestSize) / 2
        windows = try configuration.windows(window) {
            let every = try reader.wholeNumber(
                "global_attn_every_n_layers", default: 3, in: 1...ModelConfiguration.largestSize)
            return !$0.isMultiple(of: every)
        }
        globalTheta = try Self.theta(reader, "full_attention", older: "global_rope_theta", default: 160_000)
        localTheta = try Self.theta(reader, "sliding_attention", older: "local_rope_theta", default: 10_000)
        normBias = try reader.boolean("norm_bias", default: false)
        attentionBias = try reader.boolean("attention_bias", default: false)
        feedForwardBias = try reader.boolean("mlp_bias", default: false)
        feedForwardDropout = try reader.dropout("mlp_dropout", default: 0)
        classifierBias = try reader.boolean("classifier_bias", default: false)
        classifierActivation = try reader.activation(
            "classifier_activation", default: configuration.family.layout.sequenceHead.activation)
        let name = reader.optional("classifier_pooling") ?? .string(Pooling.firstToken.rawValue)
        guard let pooling = name.stringValue.flatMap(Pooling.init(rawValue:)) else {
            throw reader.error("classifier_pooling", "must be \"cls\" or \"mean\"", name)
        }
        self.pooling = pooling
    }

    private static func theta(
        _ reader: ConfigurationReader, _ type: String, older: String, default fallback: Double
    ) throws -> Double {
        func number(_ reader: ConfigurationReader, _ key: String) throws -> Double {
            try reader.number(key, default: fallback, "above 0") { $0 > 0 }
        }
        guard let value = reader.optional("rope_parameters") else {
            return reader.optional(older) == nil ? fallback : try number(reader, older)
        }
        guard let object = value.objectValue?[type]?.objectValue else { return fallback }
        let own = ConfigurationReader(object: object, source: "\(reader.source), rope_parameters.\(type)")
        try own.refuse("rope_type", unless: { $0 == "default" }, "only \"default\" is")
        return try number(own, "rope_theta")
    }
}
