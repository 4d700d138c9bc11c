/// The modules of a family's embeddings, by their full names.
package struct EmbeddingNames: Sendable {
    /// The path of the module that contains them.
    package let path: String
    /// The token embedding table.
    package let word: String
    /// The position embedding table; `nil` for a family without one.
    package let position: String?
    /// The token type embedding table, where the configuration has some; `nil` for a family without one.
    package let tokenType: String?
    package let norm: String
    /// The projection from the embeddings' width to the hidden size; `nil` for a family whose embeddings have
    /// the hidden size.
    package var projection: String?

    /// BERT's names.
    ///
    /// - Parameters:
    ///   - path: The path of the module that contains them: `bert.embeddings`.
    ///   - projection: The full name of the projection.
    static func bert(_ path: String, projection: String? = nil) -> EmbeddingNames {
        EmbeddingNames(
            path: path, word: "\(path).word_embeddings", position: "\(path).position_embeddings",
            tokenType: "\(path).token_type_embeddings", norm: "\(path).LayerNorm", projection: projection)
    }
}
