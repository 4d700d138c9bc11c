import JSON

extension ModelFamily {
    /// True for a family of decoders, whose models are language models.
    package var isDecoder: Bool { decoder != nil }

    /// Makes a family of decoders.
    ///
    /// - Parameters:
    ///   - settings: Reads and checks the fields that distinguish its layers.
    ///   - layout: The layout of its parameters; Llama's unless it is given.
    static func decoder(
        modelType: String, title: String, classPrefix: String, fields: FieldNames,
        settings: @escaping @Sendable (ModelConfiguration) throws -> DecoderSettings,
        layout: ParameterLayout = .llama
    ) -> ModelFamily {
        ModelFamily(
            modelType: modelType, title: title, classPrefix: classPrefix, fields: fields,
            products: ForwardProducts(feedForward: 3, cutsLastLayer: false),
            check: { _ = try $0.decoderSettings() },
            adjust: { json, configuration in
                // It has an entry for each layer.
                if let types = json["layer_types"]?.arrayValue, types.count > configuration.numHiddenLayers {
                    json["layer_types"] = .array(Array(types.prefix(configuration.numHiddenLayers)))
                }
            }, decoder: settings, layout: layout)
    }
}

extension ParameterLayout {
    /// The layout of Llama and of families that follow it.
    static let llama = ParameterLayout(
        base: "model", baseParts: ["embed_tokens", "layers", "norm"],
        embeddings: EmbeddingNames(
            path: "model", word: "model.embed_tokens", position: nil, tokenType: nil, norm: "model.norm"),
        layers: LayerPath(prefix: "model.layers."), layer: nil, sequenceHead: .none)
}

extension SequenceHeadNames {
    /// The head of a family that is not read with one for sequence classification.
    static let none = SequenceHeadNames(dense: "score", classifier: "score")
}

/// The names of the parameters of layers like Llama's.
package enum DecoderNames {
    package static let query = "self_attn.q_proj"
    package static let key = "self_attn.k_proj"
    package static let value = "self_attn.v_proj"
    package static let attentionOutput = "self_attn.o_proj"
    package static let queryNorm = "self_attn.q_norm"
    package static let keyNorm = "self_attn.k_norm"
    package static let gate = "mlp.gate_proj"
    package static let up = "mlp.up_proj"
    package static let down = "mlp.down_proj"
    package static let inputNorm = "input_layernorm"
    /// The norm before the feed-forward network, or after attention where outputs are normalized too.
    package static let postAttentionNorm = "post_attention_layernorm"
    package static let feedForwardNorm = "pre_feedforward_layernorm"
    package static let postFeedForwardNorm = "post_feedforward_layernorm"
    /// The output layer, where it is not the token embedding table.
    package static let output = "lm_head"
}
