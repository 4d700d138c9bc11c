import JSON

extension ModelFamily {
    /// Qwen2 and Qwen2.5 (arXiv 2407.10671, 2412.15115): Llama with biases of queries, keys and values.
    package static let qwen2 = decoder(
        modelType: "qwen2", title: "Qwen2", classPrefix: "Qwen2", fields: .qwen,
        settings: { configuration in
            var settings = try DecoderSettings(
                configuration, rotary: configuration.rotary(), tiesOutput: false)
            settings.hasQueryKeyValueBias = true
            settings.windows = try configuration.qwenWindows()
            return settings
        })

    /// Qwen3 (arXiv 2505.09388): heads of a size of their own, whose queries and keys are normalized.
    package static let qwen3 = decoder(
        modelType: "qwen3", title: "Qwen3", classPrefix: "Qwen3", fields: .qwen.with { $0.headSize = 128 },
        settings: { configuration in
            var settings = try DecoderSettings(
                configuration, rotary: configuration.rotary(), tiesOutput: false)
            let bias = try configuration.reader.boolean("attention_bias", default: false)
            (settings.hasQueryKeyValueBias, settings.hasAttentionOutputBias) = (bias, bias)
            settings.normalizesQueriesAndKeys = true
            settings.windows = try configuration.qwenWindows()
            return settings
        })
}

extension FieldNames {
    fileprivate static let qwen = FieldNames.llama.with {
        $0.vocabSize = .init("vocab_size", 151_936)
        $0.intermediateSize = .init("intermediate_size", 22_016)
        $0.maxPositionEmbeddings = .init("max_position_embeddings", 32_768)
        $0.numKeyValueHeads = 32
    }
}

extension ModelConfiguration {
    /// The windows of Qwen's layers: those from `max_window_layers` on, where they are switched on.
    fileprivate func qwenWindows() throws -> [Int?] {
        guard try reader.boolean("use_sliding_window", default: false) else {
            return try windows(nil) { _ in false }
        }
        let first = try reader.integer("max_window_layers", default: 28, in: 0...Self.largestSize)
        return try windows(slidingWindow(default: 4096)) { $0 >= first }
    }
}
