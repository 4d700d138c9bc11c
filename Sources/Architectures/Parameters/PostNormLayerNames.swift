/// The modules of a layer as BERT's (attention, then a feed-forward network, each normalized after it), after the layer's path.
package struct PostNormLayerNames: Sendable, Equatable {
    package var query = "attention.self.query"
    package var key = "attention.self.key"
    package var value = "attention.self.value"
    package var attentionOutput = "attention.output.dense"
    package var attentionNorm = "attention.output.LayerNorm"
    package var intermediate = "intermediate.dense"
    package var output = "output.dense"
    package var outputNorm = "output.LayerNorm"

    /// As in BERT and what follows its names.
    static let bert = PostNormLayerNames()
}

extension ModelFamily {
    /// The modules of its layers.
    ///
    /// - Throws: ``ArchitectureError`` where they are not of BERT's kind.
    package func postNormLayer() throws -> PostNormLayerNames {
        guard let names = layout.layer else {
            throw ArchitectureError("\(title)'s layers are not normalized after each part, as BERT's are")
        }
        return names
    }
}
