import JSON

/// What only decoders have in `config.json`.
extension ModelConfiguration {
    /// The head that a configuration names: that of its class, or for a bare model its family's.
    ///
    /// - Throws: ``ArchitectureError`` for another head on a decoder.
    static func headKind(_ reader: ConfigurationReader, _ family: ModelFamily) throws -> HeadKind {
        let name = reader.optional("architectures")?.arrayValue?.first?.stringValue
        let kind = name.flatMap(HeadKind.init(architecture:))
        guard family.decoder != nil else {
            guard kind == .causalLanguageModel else { return kind ?? .sequenceClassification }
            throw reader.error(
                "\(family.title) is an encoder, and is not read as a language model (\(name ?? ""))")
        }
        if let kind, kind != .causalLanguageModel {
            throw reader.error(
                "\(family.title) is read as a language model alone, not with the head of \(name ?? ""); use a "
                    + "\(family.className(.causalLanguageModel)), or an encoder")
        }
        return .causalLanguageModel
    }

    /// Reads the heads of keys and values, and the width of a head where the file has one.
    static func heads(
        _ reader: ConfigurationReader, _ family: ModelFamily, heads: Int
    ) throws -> (keyValueHeads: Int, size: Int?) {
        guard family.decoder != nil, !family.fields.areAllHeadsAlike else { return (heads, nil) }
        func optional(_ key: String, _ fallback: Int?) throws -> Int? {
            guard let value = reader.object[key] else { return fallback }
            return value.isNull ? nil : try reader.integer(key, default: 1, in: 1...largestSize)
        }
        let keyValueHeads = try optional("num_key_value_heads", family.fields.numKeyValueHeads) ?? heads
        guard heads.isMultiple(of: keyValueHeads) else {
            throw reader.error(
                "\"num_key_value_heads\" \(keyValueHeads) does not divide \"num_attention_heads\" \(heads); choose "
                    + "numbers that divide")
        }
        return (keyValueHeads, try optional("head_dim", family.fields.headSize))
    }

    /// Reads the width of the feed-forward network; where GPT-2's is null, it is four times the hidden size.
    static func intermediateSize(_ reader: ConfigurationReader, _ family: ModelFamily, hidden: Int) throws
        -> Int
    {
        let field = family.fields.intermediateSize
        guard family.fields.areAllHeadsAlike, family.decoder != nil, reader.optional(field.key) == nil else {
            return try reader.integer(field, in: 1...largestSize)
        }
        return 4 * hidden
    }

    /// Writes the heads, under the names that the family has for them.
    func writeHeads(to json: inout JSONObject) {
        guard !family.fields.areAllHeadsAlike else { return }
        json["num_key_value_heads"] = .integer(numKeyValueHeads)
        if ownHeadSize != nil || json["head_dim"] != nil { json["head_dim"] = .integer(headSize) }
    }

    /// Refuses fields that other models use and that would change what a decoder computes.
    func refuseUnsupportedDecoder(_ reader: ConfigurationReader) throws {
        let isFalse: (JSONValue) -> Bool = { $0.boolValue == false }
        for key in ["is_encoder_decoder", "add_cross_attention", "alibi", "use_mrope"] {
            try reader.refuse(key, unless: isFalse, "\(family.title) has no such part")
        }
        for key in [
            "num_experts", "num_local_experts", "n_routed_experts", "kv_lora_rank", "conv_kernel_size",
        ] {
            try reader.refuse(key, "\(family.title) has no such part")
        }
        for key in [
            "partial_rotary_factor", "residual_multiplier", "embedding_multiplier", "logits_scaling",
            "attention_multiplier",
            "logit_scale",
        ] {
            try reader.refuse(key, unless: { $0.doubleValue == 1 }, "only 1 is")
        }
    }
}
