extension ModelFamily {
    /// RoBERTa (Liu et al., arXiv 1907.11692).
    package static let roberta = robertaLike(
        modelType: "roberta", title: "RoBERTa", classPrefix: "Roberta", vocabSize: 50265)
    /// XLM-RoBERTa (Conneau et al., arXiv 1911.02116).
    package static let xlmRoberta = robertaLike(
        modelType: "xlm-roberta", title: "XLM-RoBERTa", classPrefix: "XLMRoberta", vocabSize: 30522)
    /// CamemBERT (Martin et al., arXiv 1911.03894).
    package static let camembert = robertaLike(
        modelType: "camembert", title: "CamemBERT", classPrefix: "Camembert", vocabSize: 30522)

    /// Makes a family with BERT's layers, positions that begin after the padding token's id, and a head of
    /// its own.
    private static func robertaLike(
        modelType: String, title: String, classPrefix: String, vocabSize: Int
    ) -> ModelFamily {
        ModelFamily(
            modelType: modelType, title: title, classPrefix: classPrefix,
            fields: .bert.with {
                $0.vocabSize = .init("vocab_size", vocabSize)
                $0.padTokenId = .init("pad_token_id", 1)
            },
            positionsFollowPadding: true,
            layout: .bert(
                base: "roberta",
                head: .init(dense: "classifier.dense", classifier: "classifier.out_proj")))
    }
}
