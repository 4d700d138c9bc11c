import JSON

extension ModelFamily {
    /// Gemma 3's text models (arXiv 2503.19786): layers with local attention between those with global attention, normalization
    /// before and after each part, and scaled embeddings.
    package static let gemma3 = decoder(
        modelType: "gemma3_text", title: "Gemma 3", classPrefix: "Gemma3",
        fields: .llama.with {
            $0.vocabSize = .init("vocab_size", 262_208)
            $0.hiddenSize = .init("hidden_size", 2304)
            $0.intermediateSize = .init("intermediate_size", 9216)
            $0.numHiddenLayers = .init("num_hidden_layers", 26)
            $0.numAttentionHeads = .init("num_attention_heads", 8)
            $0.numKeyValueHeads = 4
            $0.headSize = 256
            $0.maxPositionEmbeddings = .init("max_position_embeddings", 131_072)
            $0.hiddenAct = .init("hidden_activation", .geluTanh)
        },
        settings: { configuration in
            let reader = configuration.reader
            try reader.refuse("use_bidirectional_attention", unless: { $0 == false }, "attention is causal")
            try reader.refuse("final_logit_softcapping", "Gemma 3 has none")
            try reader.refuse("attn_logit_softcapping", "Gemma 3 has none")
            var settings = try DecoderSettings(configuration, rotary: nil, tiesOutput: true)
            let (layers, size) = (configuration.numHiddenLayers, configuration.headSize)
            let scalar = try reader.number("query_pre_attn_scalar", default: 256, "above 0") { $0 > 0 }
            settings.attentionScales = .init(repeating: 1 / scalar.squareRoot(), count: layers)
            let pattern = try reader.wholeNumber(
                "sliding_window_pattern", default: 6, in: 1...ModelConfiguration.largestSize)
            settings.windows = try configuration.windows(configuration.slidingWindow(default: 4096)) {
                !($0 + 1).isMultiple(of: pattern)
            }
            let global = try RotarySettings(
                reader, headSize: size, positions: configuration.maxPositionEmbeddings,
                layerType: "full_attention", theta: 1_000_000)
            let local = try RotarySettings(
                reader, headSize: size, positions: configuration.maxPositionEmbeddings,
                layerType: "sliding_attention", older: "rope_local_base_freq", isScaled: false)
            settings.rotary = settings.windows.map { $0 == nil ? global : local }
            let bias = try reader.boolean("attention_bias", default: false)
            (settings.hasQueryKeyValueBias, settings.hasAttentionOutputBias) = (bias, bias)
            settings.norm = .rootMeanSquarePlusOne
            settings.normalizesQueriesAndKeys = true
            settings.normalizesOutputs = true
            settings.embeddingScale = Double(configuration.hiddenSize).squareRoot()
            return settings
        })
}
