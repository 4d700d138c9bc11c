import JSON

/// What the families whose layers are BERT's call things, and where they differ.
struct PostNormLayout: Sendable {
    /// The names of a layer's modules, after the layer's own.
    struct Layer: Sendable {
        var query = "attention.self.query"
        var key = "attention.self.key"
        var value = "attention.self.value"
        var attentionOutput = "attention.output.dense"
        var attentionNorm = "attention.output.LayerNorm"
        var intermediate = "intermediate.dense"
        var output = "output.dense"
        var outputNorm = "output.LayerNorm"
    }

    /// The fields of `config.json` for what all have.
    struct Fields: Sendable {
        var width = (key: "hidden_size", fallback: 768)
        var layers = (key: "num_hidden_layers", fallback: 12)
        var heads = (key: "num_attention_heads", fallback: 12)
        var inner = (key: "intermediate_size", fallback: 3072)
        var activation = (key: "hidden_act", fallback: "gelu")
        /// `nil` where the family has no segments.
        var tokenTypes: String? = "type_vocab_size"
        /// `nil` where the family's number is fixed.
        var epsilon: String? = "layer_norm_eps"
        /// The width of the embeddings; `nil` where it is the model's.
        var embedding: (key: String, fallback: Int)?
        /// How many groups of layers have parameters of their own; `nil` where each layer has.
        var groups: (key: String, fallback: Int)?
    }

    /// The module that all but the head lies in.
    let base: String
    var fields = Fields()
    /// The padding token where positions count from the one after its number and pass over it (RoBERTa), by default.
    var padding: Int?
    /// Where a layer lies in the base, or a group of layers: `#` stands for its number.
    var layers = "encoder.layer.#"
    var layer = Layer()
    /// From the embeddings' width to the model's: where they differ, or always.
    var projection: (module: String, isAlways: Bool)?
    /// The head's first layer, and the operator of its activation.
    let dense: (module: String, activation: String)
    let classifier: String
}

extension ONNXFamily {
    /// BERT (Devlin et al., arXiv 1810.04805).
    static let bert = postNorm(
        "bert",
        PostNormLayout(base: "bert", dense: ("bert.pooler.dense", "Tanh"), classifier: "classifier"))

    /// DistilBERT (Sanh et al., arXiv 1910.01108).
    static let distilbert = postNorm(
        "distilbert",
        PostNormLayout(
            base: "distilbert",
            fields: .init(
                width: ("dim", 768), layers: ("n_layers", 6), heads: ("n_heads", 12),
                inner: ("hidden_dim", 3072), activation: ("activation", "gelu"), tokenTypes: nil, epsilon: nil
            ),
            layers: "transformer.layer.#",
            layer: .init(
                query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
                attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm",
                intermediate: "ffn.lin1", output: "ffn.lin2", outputNorm: "output_layer_norm"),
            dense: ("pre_classifier", "Relu"), classifier: "classifier"))

    /// RoBERTa (Liu et al., arXiv 1907.11692), XLM-RoBERTa (Conneau et al., arXiv 1911.02116) and CamemBERT (Martin et al.,
    /// arXiv 1911.03894).
    static let robertas = ["roberta", "xlm-roberta", "camembert"].map {
        postNorm(
            $0,
            PostNormLayout(
                base: "roberta", padding: 1, dense: ("classifier.dense", "Tanh"),
                classifier: "classifier.out_proj"))
    }

    /// ELECTRA's discriminator (Clark et al., arXiv 2003.10555).
    static let electra = postNorm(
        "electra",
        PostNormLayout(
            base: "electra",
            fields: .init(
                width: ("hidden_size", 256), heads: ("num_attention_heads", 4),
                inner: ("intermediate_size", 1024), embedding: ("embedding_size", 128)),
            projection: ("embeddings_project", false), dense: ("classifier.dense", "Gelu"),
            classifier: "classifier.out_proj"))

    /// ALBERT (Lan et al., arXiv 1909.11942), whose layers share their parameters.
    static let albert = postNorm(
        "albert",
        PostNormLayout(
            base: "albert",
            fields: .init(
                width: ("hidden_size", 4096), heads: ("num_attention_heads", 64),
                inner: ("intermediate_size", 16384), activation: ("hidden_act", "gelu_new"),
                embedding: ("embedding_size", 128), groups: ("num_hidden_groups", 1)),
            layers: "encoder.albert_layer_groups.#.albert_layers.0",
            layer: .init(
                query: "attention.query", key: "attention.key", value: "attention.value",
                attentionOutput: "attention.dense", attentionNorm: "attention.LayerNorm",
                intermediate: "ffn", output: "ffn_output", outputNorm: "full_layer_layer_norm"),
            projection: ("encoder.embedding_hidden_mapping_in", true), dense: ("albert.pooler", "Tanh"),
            classifier: "classifier"))

    private static func postNorm(_ modelType: String, _ layout: PostNormLayout) -> ONNXFamily {
        ONNXFamily(modelType: modelType) { builder, model, dtype in
            try PostNormGraph(builder, model, dtype, layout).build()
        }
    }
}
