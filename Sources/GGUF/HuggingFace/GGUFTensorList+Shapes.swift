extension GGUFTensorList {
    /// What a tensor's axis must be.
    private struct Axis {
        let size: Int
        /// What says so.
        let origin: String
    }

    /// Checks a tensor's shape against the sizes that the metadata give.
    ///
    /// - Throws: ``GGUFError`` that names the tensor, and the key that it contradicts.
    func checkShape(_ info: GGUFTensorInfo, _ entry: GGUFTensorName) throws {
        let axes = axes(of: entry.file)
        let wanted = axes.map(\.size)
        guard !axes.isEmpty, info.shape != wanted else { return }
        var axis = axes[0]
        if info.shape.count == axes.count,
            let place = axes.indices.first(where: { info.shape[$0] != wanted[$0] })
        {
            axis = axes[place]
        }
        throw GGUFError(
            checkpoint.path, tensor: info.name,
            "its shape \(info.shape) does not fit \(axis.origin), by which it must be \(wanted); the file contradicts itself, fetch it or "
                + "convert the model again")
    }

    private func axis(_ key: String, _ size: Int) -> Axis {
        Axis(size: size, origin: "key \(quoted("\(family.architecture).\(key)"))")
    }

    /// The axes of a tensor in the file's order of rows and columns; none of one that is not known.
    private func axes(of pattern: String) -> [Axis] {
        let hidden = axis("embedding_length", sizes.hidden)
        let inner = axis("feed_forward_length", sizes.intermediate)
        let tokens = Axis(
            size: sizes.vocabulary, origin: "the \(sizes.vocabulary) rows of tensor \"token_embd.weight\"")
        let queries = axis("attention.head_count", sizes.heads * sizes.headSize)
        let keys = axis("attention.head_count_kv", sizes.keyHeads * sizes.headSize)
        let start = "blk.#."
        let name = pattern.hasPrefix(start) ? String(pattern.dropFirst(start.count)) : pattern
        switch name {
        case "token_embd.weight", "output.weight": return [tokens, hidden]
        case "position_embd.weight": return [axis("context_length", sizes.context), hidden]
        case "output_norm.weight", "output_norm.bias", "attn_norm.weight", "attn_norm.bias",
            "ffn_norm.weight",
            "ffn_norm.bias", "post_attention_norm.weight", "post_ffw_norm.weight", "attn_output.bias",
            "ffn_down.bias":
            return [hidden]
        case "attn_q_norm.weight", "attn_k_norm.weight": return [axis("attention.key_length", sizes.headSize)]
        case "attn_q.weight": return [queries, hidden]
        case "attn_q.bias": return [queries]
        case "attn_k.weight", "attn_v.weight": return [keys, hidden]
        case "attn_k.bias", "attn_v.bias": return [keys]
        case "attn_qkv.weight": return [axis("embedding_length", 3 * sizes.hidden), hidden]
        case "attn_qkv.bias": return [axis("embedding_length", 3 * sizes.hidden)]
        case "attn_output.weight": return [hidden, queries]
        case "ffn_gate.weight", "ffn_up.weight": return [inner, hidden]
        case "ffn_gate.bias", "ffn_up.bias": return [inner]
        case "ffn_down.weight": return [hidden, inner]
        default: return []
        }
    }
}
