extension ModelFamily {
    /// BERT (Devlin et al., arXiv 1810.04805), and MiniLM, whose models are BERT models.
    package static let bert = ModelFamily(
        modelType: "bert", title: "BERT", classPrefix: "Bert",
        layout: .bert(base: "bert", head: .init(dense: "bert.pooler.dense", classifier: "classifier")))
}
