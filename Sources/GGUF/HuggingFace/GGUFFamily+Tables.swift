extension GGUFFamily {
    /// Llama, and what has its form: Mistral, SmolLM, TinyLlama.
    static let llama = GGUFFamily(
        architecture: "llama", modelType: "llama", className: "LlamaForCausalLM",
        tensors: decoder(
            queries: .rotary(.queries), keys: .rotary(.keys), attentionBiases: .optional,
            outputBias: .optional, mlpBiases: .optional))

    /// Qwen 2 and 2.5.
    static let qwen2 = GGUFFamily(
        architecture: "qwen2", modelType: "qwen2", className: "Qwen2ForCausalLM",
        tensors: decoder(attentionBiases: .needed))

    /// Qwen 3, without experts.
    static let qwen3 = GGUFFamily(
        architecture: "qwen3", modelType: "qwen3", className: "Qwen3ForCausalLM",
        tensors: decoder() + [
            layer("attn_q_norm.weight", "self_attn.q_norm.weight"),
            layer("attn_k_norm.weight", "self_attn.k_norm.weight"),
        ])

    /// Gemma 3, the language model alone.
    static let gemma3 = GGUFFamily(
        architecture: "gemma3", modelType: "gemma3_text", className: "Gemma3ForCausalLM",
        tensors: decoder(norms: .normPlusOne, normBeforeMLP: "pre_feedforward_layernorm") + [
            layer("attn_q_norm.weight", "self_attn.q_norm.weight", .normPlusOne),
            layer("attn_k_norm.weight", "self_attn.k_norm.weight", .normPlusOne),
            layer("post_attention_norm.weight", "post_attention_layernorm.weight", .normPlusOne),
            layer("post_ffw_norm.weight", "post_feedforward_layernorm.weight", .normPlusOne),
        ])

    /// GPT-2.
    static let gpt2 = GGUFFamily(
        architecture: "gpt2", modelType: "gpt2", className: "GPT2LMHeadModel",
        tensors: [
            GGUFTensorName("token_embd.weight", "transformer.wte.weight"),
            GGUFTensorName("position_embd.weight", "transformer.wpe.weight"),
            GGUFTensorName("output_norm.weight", "transformer.ln_f.weight"),
            GGUFTensorName("output_norm.bias", "transformer.ln_f.bias"),
            GGUFTensorName("output.weight", "lm_head.weight", optional: true),
        ]
            + [
                ("attn_norm", "ln_1", GGUFConversion.none), ("attn_qkv", "attn.c_attn", .transposed),
                ("attn_output", "attn.c_proj", .transposed), ("ffn_norm", "ln_2", .none),
                ("ffn_up", "mlp.c_fc", .transposed), ("ffn_down", "mlp.c_proj", .transposed),
            ].flatMap { (file: String, checkpoint: String, conversion: GGUFConversion) in
                [
                    GGUFTensorName(
                        "blk.#.\(file).weight", "transformer.h.#.\(checkpoint).weight", conversion),
                    GGUFTensorName("blk.#.\(file).bias", "transformer.h.#.\(checkpoint).bias"),
                ]
            })

    private enum Biases { case none, optional, needed }

    /// The tensors that all families with rotary positions and gated layers share.
    private static func decoder(
        queries: GGUFConversion = .none, keys: GGUFConversion = .none, norms: GGUFConversion = .none,
        attentionBiases: Biases = .none, outputBias: Biases = .none, mlpBiases: Biases = .none,
        normBeforeMLP: String = "post_attention_layernorm"
    ) -> [GGUFTensorName] {
        var tensors = [
            GGUFTensorName("token_embd.weight", "model.embed_tokens.weight"),
            GGUFTensorName("output_norm.weight", "model.norm.weight", norms),
            GGUFTensorName("output.weight", "lm_head.weight", optional: true),
            layer("attn_norm.weight", "input_layernorm.weight", norms),
            layer("ffn_norm.weight", "\(normBeforeMLP).weight", norms),
        ]
        let projections: [(file: String, checkpoint: String, conversion: GGUFConversion, biases: Biases)] = [
            ("attn_q", "self_attn.q_proj", queries, attentionBiases),
            ("attn_k", "self_attn.k_proj", keys, attentionBiases),
            ("attn_v", "self_attn.v_proj", .none, attentionBiases),
            ("attn_output", "self_attn.o_proj", .none, outputBias),
            ("ffn_gate", "mlp.gate_proj", .none, mlpBiases), ("ffn_up", "mlp.up_proj", .none, mlpBiases),
            ("ffn_down", "mlp.down_proj", .none, mlpBiases),
        ]
        for (file, checkpoint, conversion, biases) in projections {
            tensors.append(layer("\(file).weight", "\(checkpoint).weight", conversion))
            guard biases != .none else { continue }
            tensors.append(
                layer("\(file).bias", "\(checkpoint).bias", conversion, optional: biases == .optional))
        }
        return tensors
    }

    private static func layer(
        _ file: String, _ checkpoint: String, _ conversion: GGUFConversion = .none, optional: Bool = false
    ) -> GGUFTensorName {
        GGUFTensorName("blk.#.\(file)", "model.layers.#.\(checkpoint)", conversion, optional: optional)
    }
}
