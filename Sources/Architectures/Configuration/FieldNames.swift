/// A family's names in `config.json` of the fields that all families have, and the defaults of transformers'
/// class.
struct FieldNames: Sendable {
    /// A field with its default.
    struct Field<Value: Sendable>: Sendable {
        let key: String
        let fallback: Value

        init(_ key: String, _ fallback: Value) {
            self.key = key
            self.fallback = fallback
        }
    }

    var vocabSize = Field("vocab_size", 30522)
    var hiddenSize = Field("hidden_size", 768)
    var numHiddenLayers = Field("num_hidden_layers", 12)
    var numAttentionHeads = Field("num_attention_heads", 12)
    var intermediateSize = Field("intermediate_size", 3072)
    var maxPositionEmbeddings = Field("max_position_embeddings", 512)
    /// `nil` for a family without token types.
    var typeVocabSize: Field<Int>? = Field("type_vocab_size", 2)
    /// `nil` for a family whose embeddings have the hidden size.
    var embeddingSize: Field<Int?>?
    var padTokenId = Field("pad_token_id", 0)
    var hiddenAct = Field("hidden_act", ActivationName.gelu)
    var hiddenDropoutProb = Field("hidden_dropout_prob", 0.1)
    /// False for a family whose hidden states have no dropout.
    var hasHiddenDropout = true
    var attentionProbsDropoutProb = Field("attention_probs_dropout_prob", 0.1)
    var classifierDropout = Field<Double?>("classifier_dropout", nil)
    /// The fields of dropout that the family alone reads.
    var furtherDropouts: [String] = []
    var layerNormEps = Field("layer_norm_eps", 1e-12)
    /// True if it is a field; otherwise it always has the default value.
    var hasLayerNormEps = true
    /// True for decoders whose queries, keys and values have the same heads, so that no field describes them.
    var areAllHeadsAlike = false
    /// The default of a decoder's `num_key_value_heads`; `nil` for as many as there are heads.
    var numKeyValueHeads: Int?
    /// The default of a decoder's `head_dim`; `nil` for the hidden size divided among the heads.
    var headSize: Int?
    var initializerRange = Field("initializer_range", 0.02)

    /// The names of BERT.
    static let bert = FieldNames()

    /// Returns these fields with some changed.
    func with(_ change: (inout FieldNames) -> Void) -> FieldNames {
        var copy = self
        change(&copy)
        return copy
    }
}
