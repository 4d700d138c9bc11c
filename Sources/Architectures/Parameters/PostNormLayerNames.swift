/// The modules of a post-norm layer like BERT's (attention, then a feed-forward network, each followed by
/// normalization), relative to the layer's path.
package struct PostNormLayerNames: Sendable, Equatable {
    package var query = "attention.self.query"
    package var key = "attention.self.key"
    package var value = "attention.self.value"
    package var attentionOutput = "attention.output.dense"
    package var attentionNorm = "attention.output.LayerNorm"
    package var intermediate = "intermediate.dense"
    package var output = "output.dense"
    package var outputNorm = "output.LayerNorm"

    /// The names of BERT and of families that follow it.
    static let bert = PostNormLayerNames()
}

extension ModelFamily {
    /// Returns the modules of its layers.
    ///
    /// - Throws: ``ArchitectureError`` where they are not post-norm layers like BERT's.
    package func postNormLayer() throws -> PostNormLayerNames {
        guard let names = layout.layer else {
            throw ArchitectureError("\(title)'s layers are not normalized after each part, as BERT's are")
        }
        return names
    }
}
