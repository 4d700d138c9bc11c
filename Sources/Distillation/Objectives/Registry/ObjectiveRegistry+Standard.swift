extension ObjectiveRegistry {
    /// All objectives of this package; `docs/objectives.md` gives their formulas.
    public static let standard = ObjectiveRegistry()
        .adding(
            "soft_labels", "kl, soft_binary_cross_entropy or logits_mse, as the labels' kind asks",
            SoftLabelsObjective.self
        )
        .adding("kl", "KL divergence of the softened probabilities", KLObjective.self)
        .adding(
            "reverse_kl", "KL(student ‖ teacher): the student settles on a mode", KLObjective.self,
            KLObjective.reverseOptions
        ) {
            try KLObjective($0, direction: .reverse)
        }
        .adding(
            "jensen_shannon", "generalized Jensen-Shannon divergence of both", KLObjective.self,
            KLObjective.jensenShannonOptions
        ) {
            try KLObjective($0, direction: .jensenShannon)
        }
        .adding("skew_kl", "KL(teacher ‖ a mixture of both), of the softened probabilities", .skewKL)
        .adding("skew_reverse_kl", "KL(student ‖ a mixture of both)", .skewReverseKL)
        .adding("total_variation", "half the sum of the probabilities' differences", .totalVariation)
        .adding("adaptive_kl", "KL in both directions, weighted by head and tail", .adaptiveKL)
        .adding("uld", "across tokenizers: distance of the sorted probabilities", SpanObjective.self)
        .adding(
            "gold", "across tokenizers: divergence on shared tokens, distance of the sorted others",
            SpanObjective.self, SpanObjective.hybridOptions
        ) {
            try SpanObjective($0, .hybrid)
        }
        .adding(
            "soft_cross_entropy", "cross-entropy with the teacher's probabilities",
            SoftCrossEntropyObjective.self
        )
        .adding("logits_mse", "squared difference of the logits", LogitsMSEObjective.self)
        .adding("dkd", "decoupled KD: the label's class and the other classes separately", DKDObjective.self)
        .adding(
            "dist", "Pearson correlation of the probabilities, by example and by class", DISTObjective.self
        )
        .adding("standardized_kl", "KL divergence of standardized logits", StandardizedKLObjective.self)
        .adding(
            "soft_binary_cross_entropy", "binary cross-entropy with the teacher's probabilities",
            SoftBinaryCrossEntropyObjective.self
        )
        .adding(
            "labels", "cross_entropy, binary_cross_entropy or mse, as the labels' kind asks",
            LabelsObjective.self
        )
        .adding("cross_entropy", "cross-entropy with the labels", CrossEntropyObjective.self)
        .adding(
            "binary_cross_entropy", "binary cross-entropy with sets of labels",
            BinaryCrossEntropyObjective.self
        )
        .adding("mse", "squared difference from labels that are numbers", MSEObjective.self)
        .adding("hidden_mse", "squared difference of hidden states", HiddenMSEObjective.self)
        .adding("hidden_cosine", "angle between hidden states", HiddenCosineObjective.self)
        .adding("pkd", "patient KD: normalized [CLS] states of the layers", PKDObjective.self)
        .adding("embedding_mse", "squared difference of the embeddings' outputs", EmbeddingMSEObjective.self)
        .adding(
            "attention_score_mse", "squared difference of attention scores before the softmax",
            AttentionScoreMSEObjective.self
        )
        .adding("attention_kl", "KL divergence of attention probabilities", AttentionKLObjective.self)
        .adding("minilm", "the last layer's attention and value relations", MiniLMObjective.self)
        .adding("minilm_v2", "a layer's query, key and value relations", MiniLMv2Objective.self)
        .adding("rkd_distance", "distances between examples", RKDDistanceObjective.self)
        .adding("rkd_angle", "angles between examples", RKDAngleObjective.self)
        .adding("similarity_preserving", "similarities between examples", SimilarityPreservingObjective.self)
        .adding("infonce", "each example's teacher among the batch's: contrastive", InfoNCEObjective.self)
        .adding("sentence_cosine", "angle between texts' vectors", VectorObjective.self)
        .adding("sentence_mse", "squared difference of texts' vectors", VectorObjective.self) {
            try VectorObjective($0, .mse)
        }
        .adding("sentence_l2", "length of the difference of texts' vectors", VectorObjective.self) {
            try VectorObjective($0, .l2)
        }
        .adding(
            "similarity_mse", "squared difference of the cosines of a batch's texts", SimilarityObjective.self
        )
        .adding(
            "similarity_rank", "order of the cosines of a batch's texts", SimilarityObjective.self,
            SimilarityObjective.rankOptions
        ) {
            try SimilarityObjective($0, .rank)
        }
        .addingRanking()

    private func adding(_ name: String, _ summary: String, _ kind: DivergenceObjective.Kind)
        -> ObjectiveRegistry
    {
        adding(name, summary, DivergenceObjective.self, kind.options) { try DivergenceObjective($0, kind) }
    }

    func adding<Kind: StandardObjective>(
        _ name: String, _ summary: String, _ kind: Kind.Type, _ options: [ObjectiveOption]? = nil,
        make: @escaping @Sendable (ObjectiveSpecification) throws -> any Objective = { try Kind($0) }
    ) -> ObjectiveRegistry {
        adding(name, summary: summary, options: options ?? kind.options, make: make)
    }
}
