extension ModelFamily {
    /// Static tables: a vector for each token and no layers, in the form of model2vec (Minish Lab,
    /// https://github.com/MinishLab/model2vec), with a head of our own where they classify.
    ///
    /// It is none of ``all``, which are transformers.
    package static let staticTable = ModelFamily(
        modelType: "model2vec", title: "a static table", classPrefix: "Static",
        fields: .bert.with {
            $0.hiddenSize = .init("hidden_dim", 256)
            // model2vec's own default: all of a text is read.
            $0.maxPositionEmbeddings = .init("seq_length", 1_000_000)
            $0.typeVocabSize = nil
            $0.hiddenDropoutProb = .init("hidden_dropout_prob", 0)
            $0.attentionProbsDropoutProb = .init("attention_probs_dropout_prob", 0)
        },
        hasLayers: false,
        layout: ParameterLayout(
            base: "", baseParts: [],
            embeddings: EmbeddingNames(
                path: StaticNames.table, word: StaticNames.table, position: nil, tokenType: nil,
                norm: "LayerNorm"),
            layers: LayerPath(prefix: "layer."), layer: nil,
            sequenceHead: .init(
                dense: StaticNames.dense, activation: .relu, classifier: StaticNames.classifier)))
}

/// The names of a static model's tensors and modules.
package enum StaticNames {
    /// The module of the table in a model.
    package static let table = "embeddings"
    /// The module of the tokens' weights in a model that is trained.
    package static let tokenWeights = "token_weights"
    /// The table's name in files of model2vec, and in those of sentence-transformers.
    package static let stored = (model2vec: "embeddings", sentenceTransformers: "embedding.weight")
    /// The dense layer before the classifier, and the classifier.
    package static let dense = "pre_classifier"
    package static let classifier = "classifier"
}
