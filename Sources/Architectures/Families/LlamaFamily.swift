import JSON

extension ModelFamily {
    /// Llama (Touvron et al., arXiv 2302.13971; Llama 3: arXiv 2407.21783) and the many models of its architecture: SmolLM2,
    /// TinyLlama.
    package static let llama = decoder(
        modelType: "llama", title: "Llama", classPrefix: "Llama",
        fields: .llama.with {
            $0.vocabSize = .init("vocab_size", 32_000)
            $0.intermediateSize = .init("intermediate_size", 11_008)
            $0.maxPositionEmbeddings = .init("max_position_embeddings", 2048)
        },
        settings: { configuration in
            let reader = configuration.reader
            try reader.refuse("pretraining_tp", unless: { $0.intValue == 1 }, "only 1 is")
            var settings = try DecoderSettings(
                configuration, rotary: configuration.rotary(), tiesOutput: false)
            let bias = try reader.boolean("attention_bias", default: false)
            (settings.hasQueryKeyValueBias, settings.hasAttentionOutputBias) = (bias, bias)
            settings.hasFeedForwardBias = try reader.boolean("mlp_bias", default: false)
            return settings
        })

    /// Mistral (Jiang et al., arXiv 2310.06825): Llama with a sliding window.
    package static let mistral = decoder(
        modelType: "mistral", title: "Mistral", classPrefix: "Mistral",
        fields: .llama.with {
            $0.vocabSize = .init("vocab_size", 32_000)
            $0.intermediateSize = .init("intermediate_size", 14_336)
            $0.maxPositionEmbeddings = .init("max_position_embeddings", 131_072)
            $0.numKeyValueHeads = 8
        },
        settings: { configuration in
            var settings = try DecoderSettings(
                configuration, rotary: configuration.rotary(), tiesOutput: false)
            let window = try configuration.slidingWindow(default: 4096)
            settings.windows = .init(repeating: window, count: configuration.numHiddenLayers)
            return settings
        })
}

extension FieldNames {
    /// The names of Llama and of families that follow it.
    static let llama = FieldNames.bert.with {
        $0.hiddenSize = .init("hidden_size", 4096)
        $0.numHiddenLayers = .init("num_hidden_layers", 32)
        $0.numAttentionHeads = .init("num_attention_heads", 32)
        $0.typeVocabSize = nil
        $0.hiddenAct = .init("hidden_act", .silu)
        $0.hasHiddenDropout = false
        $0.attentionProbsDropoutProb = .init("attention_dropout", 0)
        $0.layerNormEps = .init("rms_norm_eps", 1e-6)
    }
}
