import JSON

/// Builds `config.json` from the metadata.
struct GGUFConfiguration {
    var keys: GGUFKeys
    let sizes: GGUFSizes
    let family: GGUFFamily
    let ropeFactors: [Float]?

    private var checkpoint: GGUFCheckpoint { keys.checkpoint }

    init(keys: GGUFKeys, sizes: GGUFSizes, family: GGUFFamily, ropeFactors: [Float]?) {
        self.keys = keys
        self.sizes = sizes
        self.family = family
        self.ropeFactors = ropeFactors
    }

    /// The fields.
    ///
    /// - Throws: ``GGUFError`` where a key is missing, or says what the family does not have.
    mutating func fields() throws -> JSONObject {
        var fields: JSONObject = [
            "architectures": [.string(family.className)], "model_type": .string(family.modelType),
            "vocab_size": .integer(sizes.vocabulary),
            "tie_word_embeddings": .bool(checkpoint.info("output.weight") == nil),
        ]
        for (key, name) in Self.tokens {
            if let id = try tokenID(name) { fields[key] = .integer(id) }
        }
        // The end of a turn ends an answer, too.
        if let end = try tokenID("eos_token_id"), let turn = try tokenID("eot_token_id"), turn != end {
            fields["eos_token_id"] = [.integer(end), .integer(turn)]
        }
        if family.architecture == "gpt2" {
            try addGPT2(&fields)
        } else {
            try addDecoder(&fields)
        }
        return fields
    }

    private static let tokens = [
        ("bos_token_id", "bos_token_id"), ("eos_token_id", "eos_token_id"),
        ("pad_token_id", "padding_token_id"),
    ]

    private func tokenID(_ name: String) throws -> Int? {
        let key = "tokenizer.ggml.\(name)"
        guard let value = checkpoint[key] else { return nil }
        guard let id = value.intValue, id >= 0 else {
            throw GGUFError(checkpoint.path, key: key, "must be a token's number; the file is damaged")
        }
        // Some converters write the largest number of 32 bits, or -1, for "none".
        return id < sizes.vocabulary ? id : nil
    }

    private mutating func addGPT2(_ fields: inout JSONObject) throws {
        guard sizes.keyHeads == sizes.heads, sizes.headSize * sizes.heads == sizes.hidden else {
            throw keys.error("attention.head_count", "does not fit GPT-2, whose heads share all elements")
        }
        fields["n_layer"] = .integer(sizes.layers)
        fields["n_embd"] = .integer(sizes.hidden)
        fields["n_head"] = .integer(sizes.heads)
        fields["n_inner"] = .integer(sizes.intermediate)
        fields["n_positions"] = .integer(sizes.context)
        fields["layer_norm_epsilon"] = .number(try keys.epsilon("attention.layer_norm_epsilon"))
        fields["activation_function"] = "gelu_new"
    }

    private mutating func addDecoder(_ fields: inout JSONObject) throws {
        fields["hidden_size"] = .integer(sizes.hidden)
        fields["intermediate_size"] = .integer(sizes.intermediate)
        fields["num_hidden_layers"] = .integer(sizes.layers)
        fields["num_attention_heads"] = .integer(sizes.heads)
        fields["num_key_value_heads"] = .integer(sizes.keyHeads)
        fields["head_dim"] = .integer(sizes.headSize)
        fields["max_position_embeddings"] = .integer(sizes.context)
        fields["rms_norm_eps"] = .number(try keys.epsilon("attention.layer_norm_rms_epsilon"))
        if let turned = try keys.optionalSize("rope.dimension_count"), turned != sizes.headSize {
            throw keys.error(
                "rope.dimension_count",
                "is \(turned), so that only a part of each head's \(sizes.headSize) elements is turned; that is not "
                    + "supported")
        }
        if family.architecture == "gemma3" {
            try addGemma3(&fields)
        } else {
            fields["hidden_act"] = "silu"
            fields["rope_theta"] = .number(try frequencyBase("rope.freq_base") ?? 10_000)
            try checkWindow()
            if family.architecture != "qwen2" { try addBiases(&fields) }
            if family.architecture == "qwen2" || family.architecture == "qwen3" {
                fields["use_sliding_window"] = false
            }
        }
        if let scaling = try ropeScaling() { fields["rope_scaling"] = .object(scaling) }
    }

    mutating func frequencyBase(_ name: String) throws -> Double? {
        guard let base = try keys.optionalNumber(name) else { return nil }
        guard base > 1 else { throw keys.error(name, "must be above 1, not \(base); the file is damaged") }
        return base
    }

    /// llama.cpp has no window in these families; one as long as the context changes nothing.
    private mutating func checkWindow() throws {
        let name = "attention.sliding_window"
        guard let value = keys.value(name) else { return }
        guard let window = value.intValue, window == 0 || window >= sizes.context else {
            throw keys.error(
                name, "is shorter than the context of \(sizes.context) tokens, which is not supported here")
        }
    }

    private func addBiases(_ fields: inout JSONObject) throws {
        fields["attention_bias"] = .bool(try hasAll(["attn_q", "attn_k", "attn_v", "attn_output"]))
        if family.architecture == "llama" {
            fields["mlp_bias"] = .bool(try hasAll(["ffn_gate", "ffn_up", "ffn_down"]))
        }
    }

    /// True if all of some projections have biases in all layers, false if none has.
    private func hasAll(_ projections: [String]) throws -> Bool {
        let names = (0..<sizes.layers).flatMap { layer in projections.map { "blk.\(layer).\($0).bias" } }
        let present = names.filter { checkpoint.info($0) != nil }
        guard !present.isEmpty, let missing = names.first(where: { checkpoint.info($0) == nil }) else {
            return !present.isEmpty
        }
        throw GGUFError(
            checkpoint.path, tensor: missing,
            "is missing, but there is \(quoted(present[0])); a model of \(family.modelType) has all or none of them"
        )
    }
}
