import JSON

/// What distinguishes the layers of a family of decoders, as `config.json` has it.
package struct DecoderSettings: Sendable, Equatable {
    /// The normalization of hidden states.
    package enum Norm: Sendable, Equatable {
        /// Mean and variance, with gain and bias.
        case layer
        /// The root mean square alone (Zhang and Sennrich, arXiv 1910.07467), with a gain.
        case rootMeanSquare
        /// The same with a gain of 1 + weight, as Gemma has it.
        case rootMeanSquarePlusOne
    }

    package var norm = Norm.rootMeanSquare
    /// Heads of keys and values; each serves as many heads of queries (grouped-query attention, Ainslie et al., arXiv 2305.13245).
    package var keyValueHeads: Int
    /// The width of a head.
    package var headSize: Int
    /// True if queries, keys and values have biases.
    package var hasQueryKeyValueBias = false
    /// True if the attention's output has a bias.
    package var hasAttentionOutputBias = false
    /// True if the linear layers of the feed-forward network have biases.
    package var hasFeedForwardBias = false
    /// True if each head's query and key are normalized before they are rotated.
    package var normalizesQueriesAndKeys = false
    /// True if the outputs of attention and feed-forward network are normalized before they are added.
    package var normalizesOutputs = false
    /// The factor of attention scores, for each layer.
    package var attentionScales: [Double]
    /// For each layer, the number of tokens that a token attends to, itself included; `nil` for all before it.
    package var windows: [Int?]
    /// For each layer, its rotary position embeddings; empty where positions have a table.
    package var rotary: [RotarySettings]
    /// The token whose embedding gets no gradient as an input, as transformers has it; `nil` for none.
    package var paddingToken: Int?
    /// The factor of token embeddings; `nil` for none.
    package var embeddingScale: Double?
    /// Dropout of the sum of token and position embeddings.
    package var embeddingDropout = 0.0
    /// True if the output layer is the token embedding table.
    package var tiesOutput: Bool

    /// The settings of a family like Llama; the family changes what it has otherwise.
    ///
    /// - Throws: ``ArchitectureError`` where a field is out of range.
    init(_ configuration: ModelConfiguration, rotary: RotarySettings?, tiesOutput: Bool) throws {
        let layers = configuration.numHiddenLayers
        keyValueHeads = configuration.numKeyValueHeads
        headSize = configuration.headSize
        attentionScales = .init(repeating: 1 / Double(headSize).squareRoot(), count: layers)
        windows = .init(repeating: nil, count: layers)
        self.rotary = rotary.map { .init(repeating: $0, count: layers) } ?? []
        if let value = configuration.reader.optional("pad_token_id") {
            let last = configuration.vocabSize - 1
            let token = try configuration.reader.integer("pad_token_id", default: 0, in: -1...last)
            paddingToken = value == -1 ? last : token
        }
        self.tiesOutput = try configuration.reader.boolean("tie_word_embeddings", default: tiesOutput)
    }
}

extension ModelConfiguration {
    /// True if it is a language model's: a decoder, which predicts the next token.
    public var isDecoder: Bool { family.decoder != nil }

    /// Reads what distinguishes a decoder's layers.
    ///
    /// - Throws: ``ArchitectureError`` where a field is out of range, or the model is an encoder.
    package func decoderSettings() throws -> DecoderSettings {
        guard let settings = try family.decoder?(self) else {
            throw ArchitectureError("\(source): \(family.title) is an encoder; a decoder is needed here")
        }
        return settings
    }

    /// The rotary position embeddings that all layers share.
    func rotary(theta: Double = 10_000) throws -> RotarySettings {
        try RotarySettings(reader, headSize: headSize, positions: maxPositionEmbeddings, theta: theta)
    }

    /// The window of each layer by `layer_types`, where the field is there.
    ///
    /// - Parameters:
    ///   - window: That of layers with sliding attention.
    ///   - isSliding: The rule where there is no `layer_types`.
    func windows(_ window: Int?, where isSliding: (Int) throws -> Bool) throws -> [Int?] {
        guard let value = reader.optional("layer_types") else {
            return try (0..<numHiddenLayers).map { try isSliding($0) ? window : nil }
        }
        let names = value.arrayValue?.compactMap(\.stringValue) ?? []
        // A student may have fewer layers than the configuration it was made from.
        guard names.count >= numHiddenLayers,
            names.allSatisfy(["full_attention", "sliding_attention"].contains)
        else {
            throw reader.error(
                "layer_types",
                "must have \"full_attention\" or \"sliding_attention\" for each of \(numHiddenLayers) layers",
                value)
        }
        return try names.prefix(numHiddenLayers).map { name in
            guard name == "sliding_attention" else { return nil }
            guard let window else {
                throw reader.error(
                    "\"layer_types\" names sliding attention, but \"sliding_window\" is missing")
            }
            return window
        }
    }

    /// Reads `sliding_window`; `nil` where it is null.
    func slidingWindow(default fallback: Int?) throws -> Int? {
        guard let value = reader.object["sliding_window"] else { return fallback }
        if value.isNull { return nil }
        return try reader.integer("sliding_window", default: 1, in: 1...Self.largestSize)
    }
}
