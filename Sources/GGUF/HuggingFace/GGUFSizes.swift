/// The sizes of a language model, and its numbers.
struct GGUFSizes {
    let layers: Int
    let hidden: Int
    let intermediate: Int
    let heads: Int
    let keyHeads: Int
    let headSize: Int
    let context: Int
    let vocabulary: Int

    /// Reads the sizes.
    ///
    /// - Throws: ``GGUFError`` where they do not fit each other or the table of tokens.
    init(_ keys: inout GGUFKeys) throws {
        let checkpoint = keys.checkpoint
        layers = try keys.size("block_count")
        guard layers <= checkpoint.tensors.count else {
            throw keys.error("block_count", "is \(layers), more than there are tensors; the file is damaged")
        }
        hidden = try keys.size("embedding_length")
        context = try keys.size("context_length")
        heads = try keys.size("attention.head_count")
        keyHeads = try keys.optionalSize("attention.head_count_kv") ?? heads
        guard heads % keyHeads == 0 else {
            throw keys.error(
                "attention.head_count_kv", "is \(keyHeads), which does not divide \(heads) heads")
        }
        let ownSize = try keys.optionalSize("attention.key_length")
        guard ownSize != nil || hidden % heads == 0 else {
            throw keys.error("attention.head_count", "is \(heads), which does not divide \(hidden)")
        }
        headSize = ownSize ?? hidden / heads
        if let values = try keys.optionalSize("attention.value_length"), values != headSize {
            throw keys.error(
                "attention.value_length", "is \(values), but keys have \(headSize), which is not supported")
        }
        intermediate =
            try keys.optionalSize("feed_forward_length")
            ?? Self.rows(of: "blk.0.ffn_up.weight", checkpoint)
        vocabulary = try Self.rows(of: "token_embd.weight", checkpoint)
        if let stated = try keys.optionalSize("vocab_size"), stated != vocabulary {
            throw keys.error(
                "vocab_size", "is \(stated), but tensor \"token_embd.weight\" has \(vocabulary) rows")
        }
    }

    private static func rows(of name: String, _ checkpoint: GGUFCheckpoint) throws -> Int {
        guard let info = checkpoint.info(name) else {
            throw GGUFError(checkpoint.path, tensor: name, "is missing; this is not a whole language model")
        }
        guard info.shape.count == 2, info.rows > 0, info.rows <= Int(Int32.max) else {
            throw GGUFError(checkpoint.path, tensor: name, "its shape \(info.shape) is not a table's")
        }
        return info.rows
    }
}
