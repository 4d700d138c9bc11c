extension ModelFamily {
    /// MPNet (Song et al., arXiv 2004.09297): attention with a relative position bias that all layers share.
    package static let mpnet = ModelFamily(
        modelType: "mpnet", title: "MPNet", classPrefix: "MPNet",
        fields: .bert.with {
            $0.vocabSize = .init("vocab_size", 30527)
            $0.padTokenId = .init("pad_token_id", 1)
            $0.typeVocabSize = nil
        },
        positionsFollowPadding: true,
        // Regardless of the padding token's id.
        paddingRow: 1,
        attentionPositions: .bias,
        check: {
            try $0.reader.refuse(
                "relative_attention_num_buckets", unless: { $0.intValue == MPNetNames.buckets },
                "only \(MPNetNames.buckets) are")
        },
        layout: ParameterLayout(
            base: "mpnet", baseParts: ["embeddings", "encoder", "pooler"],
            embeddings: .bert("mpnet.embeddings"), layers: LayerPath(prefix: "mpnet.encoder.layer."),
            layer: PostNormLayerNames(
                query: "attention.attn.q", key: "attention.attn.k", value: "attention.attn.v",
                attentionOutput: "attention.attn.o", attentionNorm: "attention.LayerNorm"),
            sequenceHead: .init(dense: "classifier.dense", classifier: "classifier.out_proj")))
}

/// The names of the parameters that only this family has.
package enum MPNetNames {
    /// The table of the bias: (buckets, heads).
    package static let positionBias = "mpnet.encoder.relative_attention_bias"
    /// The number of buckets that transformers uses, whatever the size of the table.
    package static let buckets = 32
    /// The buckets of distances.
    package static let distances = DistanceBuckets(count: buckets, largestDistance: 128)
}
