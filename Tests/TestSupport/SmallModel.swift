import JSON

/// The `config.json` of a BERT small enough for a test.
public enum SmallModel {
    public static let fields: JSONObject = [
        "architectures": ["BertForSequenceClassification"], "model_type": "bert", "vocab_size": 60,
        "hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32,
        "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1,
        "max_position_embeddings": 24, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
        "initializer_range": 0.2, "pad_token_id": 0, "id2label": ["0": "no", "1": "yes"],
        "label2id": ["no": 0, "yes": 1],
    ]
}
