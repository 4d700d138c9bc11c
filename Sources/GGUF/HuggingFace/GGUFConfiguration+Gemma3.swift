import JSON

extension GGUFConfiguration {
    /// Every sixth layer of Gemma 3 sees all tokens, the others those of a window; llama.cpp fixes both that and what the
    /// file does not say.
    private static let pattern = 6
    /// The largest model divides its queries by another number.
    private static let layersOfLargest = 62

    mutating func addGemma3(_ fields: inout JSONObject) throws {
        fields["hidden_activation"] = "gelu_pytorch_tanh"
        fields["attention_bias"] = false
        fields["rope_theta"] = .number(try frequencyBase("rope.freq_base") ?? 1_000_000)
        fields["rope_local_base_freq"] = .number(try frequencyBase("rope.freq_base_swa") ?? 10_000)
        fields["query_pre_attn_scalar"] = .integer(
            sizes.layers == Self.layersOfLargest ? sizes.hidden / sizes.heads : sizes.headSize)
        fields["final_logit_softcapping"] = .null
        fields["attn_logit_softcapping"] = .null
        let window = try keys.optionalSize("attention.sliding_window")
        // Without a window every layer sees all tokens.
        fields["sliding_window"] = .integer(window ?? sizes.context)
        fields["layer_types"] = .array(
            try layerTypes(hasWindow: window != nil).map {
                .string($0 ? "sliding_attention" : "full_attention")
            })
    }

    /// True for each layer with a window.
    private mutating func layerTypes(hasWindow: Bool) throws -> [Bool] {
        let name = "attention.sliding_window_pattern"
        guard hasWindow else { return [Bool](repeating: false, count: sizes.layers) }
        var pattern = Self.pattern
        switch keys.value(name) {
        case nil: break
        case .array(.bool(let layers)):
            guard layers.count == sizes.layers else {
                throw keys.error(name, "has \(layers.count) elements for \(sizes.layers) layers")
            }
            return layers
        case let value?:
            guard let number = value.intValue, number > 0 else {
                throw keys.error(name, "must be a number of at least 1, or a truth value for each layer")
            }
            pattern = number
        }
        return (1...sizes.layers).map { $0 % pattern != 0 }
    }
}
