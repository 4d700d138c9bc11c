extension ModelConfiguration {
    /// The width of one attention head.
    package var headSize: Int { ownHeadSize ?? hiddenSize / numAttentionHeads }

    /// True if embeddings are projected to the hidden size.
    package var projectsEmbeddings: Bool {
        family.layout.embeddings.projection != nil
            && (family.products.alwaysProjectsEmbeddings || embeddingSize != hiddenSize)
    }
}
