import JSON

extension ModelFamily {
    /// GPT-2 (Radford et al., 2019): learned positions, layer norms before each part, weights stored as (inputs, outputs).
    package static let gpt2 = decoder(
        modelType: "gpt2", title: "GPT-2", classPrefix: "GPT2",
        fields: .bert.with {
            $0.vocabSize = .init("vocab_size", 50_257)
            $0.hiddenSize = .init("n_embd", 768)
            $0.numHiddenLayers = .init("n_layer", 12)
            $0.numAttentionHeads = .init("n_head", 12)
            $0.intermediateSize = .init("n_inner", 3072)
            $0.maxPositionEmbeddings = .init("n_positions", 1024)
            $0.typeVocabSize = nil
            $0.areAllHeadsAlike = true
            $0.hiddenAct = .init("activation_function", .geluNew)
            $0.hiddenDropoutProb = .init("resid_pdrop", 0.1)
            $0.attentionProbsDropoutProb = .init("attn_pdrop", 0.1)
            $0.furtherDropouts = ["embd_pdrop"]
            $0.layerNormEps = .init("layer_norm_epsilon", 1e-5)
        },
        settings: { configuration in
            let reader = configuration.reader
            var settings = try DecoderSettings(configuration, rotary: nil, tiesOutput: true)
            settings.norm = .layer
            settings.paddingToken = nil
            (settings.hasQueryKeyValueBias, settings.hasAttentionOutputBias) = (true, true)
            settings.hasFeedForwardBias = true
            settings.embeddingDropout = try reader.dropout("embd_pdrop", default: 0.1)
            if try !reader.boolean("scale_attn_weights", default: true) {
                settings.attentionScales = settings.attentionScales.map { _ in 1 }
            }
            if try reader.boolean("scale_attn_by_inverse_layer_idx", default: false) {
                settings.attentionScales = settings.attentionScales.enumerated().map {
                    $1 / Double($0 + 1)
                }
            }
            return settings
        },
        layout: ParameterLayout(
            base: "transformer", baseParts: ["wte", "wpe", "h", "ln_f"],
            embeddings: EmbeddingNames(
                path: "transformer", word: "transformer.wte", position: "transformer.wpe", tokenType: nil,
                norm: "transformer.ln_f"),
            layers: LayerPath(prefix: "transformer.h."), layer: nil, sequenceHead: .none))
}

/// The names of the parameters of GPT-2's layers.
package enum GPT2Names {
    package static let attentionNorm = "ln_1"
    package static let queryKeyValue = "attn.c_attn"
    package static let attentionOutput = "attn.c_proj"
    package static let feedForwardNorm = "ln_2"
    package static let inner = "mlp.c_fc"
    package static let outer = "mlp.c_proj"
}
