/// The modules of a family's embeddings, by their full names.
package struct EmbeddingNames: Sendable {
    /// What they lie in.
    package let path: String
    /// The table with a row for each token.
    package let word: String
    /// The table of positions; `nil` for a family without one.
    package let position: String?
    /// The table of token types, where the configuration has some; `nil` for a family without one.
    package let tokenType: String?
    package let norm: String
    /// From the embeddings' width to the hidden size; `nil` for a family whose embeddings have the hidden size.
    package var projection: String?

    /// BERT's names.
    ///
    /// - Parameters:
    ///   - path: What they lie in: `bert.embeddings`.
    ///   - projection: The full name of the projection.
    static func bert(_ path: String, projection: String? = nil) -> EmbeddingNames {
        EmbeddingNames(
            path: path, word: "\(path).word_embeddings", position: "\(path).position_embeddings",
            tokenType: "\(path).token_type_embeddings", norm: "\(path).LayerNorm", projection: projection)
    }
}
