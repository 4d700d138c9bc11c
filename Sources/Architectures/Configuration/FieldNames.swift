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
    var attentionProbsDropoutProb = Field("attention_probs_dropout_prob", 0.1)
    var classifierDropout = Field<Double?>("classifier_dropout", nil)
    var layerNormEps = Field("layer_norm_eps", 1e-12)
    /// True if it is a field; otherwise it always has the default value.
    var hasLayerNormEps = true
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
