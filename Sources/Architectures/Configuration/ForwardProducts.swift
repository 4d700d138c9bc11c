/// The matrix products of a forward pass, as far as they do not follow from the sizes of a configuration.
public struct ForwardProducts: Sendable, Equatable {
    /// True if attention has no products other than those of queries, keys and values.
    public var attentionIsPlain: Bool
    /// The number of products in a feed-forward network: two, or three where one gates another.
    public var feedForward: Int
    /// True if the last layer is computed only as far as the logits need it, as this package's own kernels
    /// do.
    public var cutsLastLayer: Bool
    /// True if embeddings are projected even where they have the hidden size.
    public var alwaysProjectsEmbeddings: Bool

    /// The defaults are BERT's.
    public init(
        attentionIsPlain: Bool = true, feedForward: Int = 2, cutsLastLayer: Bool = true,
        alwaysProjectsEmbeddings: Bool = false
    ) {
        self.attentionIsPlain = attentionIsPlain
        self.feedForward = feedForward
        self.cutsLastLayer = cutsLastLayer
        self.alwaysProjectsEmbeddings = alwaysProjectsEmbeddings
    }
}

extension ModelConfiguration {
    /// The matrix products of a forward pass of its family.
    public var forwardProducts: ForwardProducts { family.products }
}
