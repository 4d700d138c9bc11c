import JSON

extension ModelConfiguration {
    /// The largest size of one dimension that is accepted.
    package static let largestSize = Int(Int32.max)
    /// The largest number of layers that is accepted; more than any model has.
    static let mostLayers = 10_000

    /// Checks that sizes and labels fit together; to be called after changing fields.
    ///
    /// - Throws: ``ArchitectureError``, which names the field.
    public func validate() throws {
        // Without token types a size of 0 is valid.
        let segments =
            family.fields.typeVocabSize.map { $0.fallback > 0 ? [($0.key, typeVocabSize)] : [] } ?? []
        let layers =
            family.hasLayers
            ? [
                (family.fields.numAttentionHeads.key, numAttentionHeads),
                (family.fields.numHiddenLayers.key, numHiddenLayers),
                (family.fields.intermediateSize.key, intermediateSize),
            ] : []
        let sizes =
            [
                (family.fields.vocabSize.key, vocabSize), (family.fields.hiddenSize.key, hiddenSize),
                (family.fields.maxPositionEmbeddings.key, maxLength),
            ] + layers + segments
        for (name, value) in sizes where value < 1 {
            throw invalid("\"\(name)\" must be at least 1, got \(value)")
        }
        guard ownHeadSize != nil || hiddenSize.isMultiple(of: numAttentionHeads) else {
            throw invalid(
                "\"\(family.fields.hiddenSize.key)\" \(hiddenSize) is not divisible by "
                    + "\"\(family.fields.numAttentionHeads.key)\" "
                    + "\(numAttentionHeads); choose sizes that divide")
        }
        guard (0..<vocabSize).contains(padTokenId) else {
            throw invalid(
                "\"pad_token_id\" must be below \"vocab_size\" \(vocabSize), got \(padTokenId)")
        }
        let dropouts = [
            ("hidden_dropout_prob", hiddenDropoutProb),
            ("attention_probs_dropout_prob", attentionProbsDropoutProb),
            ("classifier_dropout", classifierDropout ?? 0),
        ]
        for (name, value) in dropouts where !(0..<1).contains(value) {
            throw invalid("\"\(name)\" must be from 0 up to, but not including, 1, got \(value)")
        }
        if headKind.hasLabels { try validateLabels() }
        if let embedding { try validate(embedding) }
        guard numAttentionHeads.isMultiple(of: numKeyValueHeads) || !isDecoder else {
            throw invalid(
                "\"num_key_value_heads\" \(numKeyValueHeads) does not divide \"num_attention_heads\" \(numAttentionHeads); "
                    + "choose numbers that divide")
        }
    }

    private func validate(_ embedding: SentenceTransformer) throws {
        for case .pooling(_, let width, _) in embedding.stages where width != hiddenSize {
            throw ArchitectureError(
                "\(embedding.path): the pooling is for vectors of \(width) components, but those of \(source) have "
                    + "\(hiddenSize); use the modules that belong together")
        }
    }

    private func validateLabels() throws {
        let count = labelNames.count
        switch task {
        case .tokenClassification where count < 2:
            throw invalid(
                "a model for token classification needs two labels or more, it has \(count); give \"id2label\" a "
                    + "name for each tag")
        case .singleLabel where count < 2:
            throw invalid(
                "\"problem_type\" \"single_label_classification\" needs two labels or more, the model has \(count); "
                    + "a number is \"regression\"")
        case .multiLabel where count < 1:
            throw invalid("\"problem_type\" \"multi_label_classification\" needs a label, the model has none")
        case .ranking where count != 1:
            throw invalid(
                "a model that ranks has one output, this one has \(count) labels; use a cross-encoder with one label"
            )
        case .regression where count != 1:
            throw invalid(
                "\"problem_type\" \"regression\" has one output, the model has \(count) labels; use a model with one "
                    + "label, or name the problem type that is meant")
        default: break
        }
        var seen = Set<[UInt8]>()  // by bytes: Swift calls two spellings of "é" equal
        for name in labelNames where !seen.insert(Array(name.utf8)).inserted {
            throw invalid(
                "two classes have the name \(JSONValue.string(name).serialized()); give each its own")
        }
    }

    private func invalid(_ message: String) -> ArchitectureError {
        ArchitectureError("\(source): \(message)")
    }

    /// Reads the padding token, which a decoder does not need.
    static func paddingToken(_ reader: ConfigurationReader, _ family: ModelFamily) throws -> Int {
        if family.decoder != nil { return 0 }
        let field = family.fields.padTokenId
        // Where positions begin after its id it is required; otherwise a model may have none.
        let canBeNone = !family.positionsFollowPadding || family.paddingRow != nil
        if canBeNone, reader.object[field.key]?.isNull == true { return family.paddingRow ?? 0 }
        return try reader.integer(field, in: 0...largestSize)
    }

    /// Reads `problem_type`; `nil` where it is absent or null.
    static func problemType(_ reader: ConfigurationReader) throws -> TaskIdentifier? {
        guard let value = reader.optional("problem_type"), value != "" else { return nil }
        guard let type = value.stringValue.flatMap(TaskIdentifier.init(rawValue:)),
            TaskIdentifier.sequenceTasks.contains(type)
        else {
            let known = TaskIdentifier.sequenceTasks.map(\.rawValue).joined(separator: ", ")
            throw reader.error("problem_type", "must be one of \(known)", value)
        }
        return type
    }

    /// Refuses fields that other models use and that would change what this one computes.
    func refuseUnsupported(_ reader: ConfigurationReader) throws {
        let isFalse: (JSONValue) -> Bool = { $0.boolValue == false }
        let isEmpty: (JSONValue) -> Bool = {
            $0.objectValue?.isEmpty == true || $0.arrayValue?.isEmpty == true
        }
        try reader.refuse(
            "position_embedding_type", unless: { $0 == "absolute" }, "only \"absolute\" is")
        for key in ["is_decoder", "is_encoder_decoder", "add_cross_attention"] {
            try reader.refuse(key, unless: isFalse, "the model is an encoder")
        }
        try reader.refuse("cross_attention_hidden_size", "the model is an encoder")
        try reader.refuse("pruned_heads", unless: isEmpty, "pruned heads are not; load and save it unpruned")
        if family.fields.embeddingSize == nil {
            try reader.refuse(
                "embedding_size", unless: { $0.intValue == hiddenSize },
                "it must be hidden_size, \(hiddenSize)")
        }
        let hasNoSuchPart = "\(family.title) has no such part"
        for key in Self.otherFamiliesSwitches where !family.ownFields.contains(key) {
            try reader.refuse(key, unless: isFalse, hasNoSuchPart)
        }
        for key in Self.otherFamiliesFields where !family.ownFields.contains(key) {
            let usual = usualValues[key]
            try reader.refuse(key, unless: { usual != nil && $0.intValue == usual }, hasNoSuchPart)
        }
    }

    /// The harmless values of some of these fields.
    private var usualValues: [String: Int] {
        [
            "num_key_value_heads": numAttentionHeads, "head_dim": hiddenSize / max(1, numAttentionHeads),
        ]
    }

    private static let otherFamiliesSwitches = [
        "relative_attention", "use_relative_positions", "use_rotary_embeddings", "rotary_embeddings",
        "use_glu",
        "use_rms_norm", "pre_layer_norm",
    ]
    private static let otherFamiliesFields = [
        "rope_theta", "rope_scaling", "rope_parameters", "rotary_dim", "rotary_emb_base",
        "rotary_emb_fraction",
        "num_key_value_heads", "head_dim", "sliding_window", "local_attention", "layer_types", "num_experts",
        "num_local_experts", "num_hidden_groups", "adapters", "conv_kernel_size",
    ]
}
