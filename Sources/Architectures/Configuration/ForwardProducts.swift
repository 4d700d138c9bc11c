/// What a forward pass multiplies, as far as the sizes of a configuration do not tell it.
public struct ForwardProducts: Sendable, Equatable {
    /// Whether attention has no products but those of queries, keys and values.
    public var attentionIsPlain: Bool
    /// The products of a feed-forward network: two, or three where one gates another.
    public var feedForward: Int
    /// Whether of the last layer only what the logits need is computed, as this program's own kernels do.
    public var cutsLastLayer: Bool
    /// Whether embeddings go through a projection even where they have the hidden size.
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
    /// What a forward pass of its family multiplies.
    public var forwardProducts: ForwardProducts { family.products }
}
