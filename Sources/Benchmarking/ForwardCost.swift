import Transformers

/// The cost of one forward pass of a classifier over one sentence, in multiply-adds.
///
/// Only matrix products count: the projections, attention scores and their sums over values, the feed-forward network,
/// the head's dense layer and the classifier, a projection of narrower embeddings. Normalization, softmax, activations,
/// biases and table look-ups are left out, as PyTorch's `FlopCounterMode` leaves them out (which counts a multiply-add as
/// two). A cost says nothing of the type of the numbers: int8 and float32 have the same.
public struct ForwardCost: Sendable, Equatable {
    /// Of the configuration.
    public var layers: Int
    /// The hidden size.
    public var width: Int
    /// The inner size of the feed-forward network.
    public var inner: Int
    /// The number of logits.
    public var classes: Int
    /// The products that differ between families.
    public var products = ForwardProducts()
    /// The width of the embeddings where they are projected to the hidden size.
    public var embeddingWidth: Int?

    /// Makes the cost of BERT from sizes.
    public init(layers: Int, width: Int, inner: Int, classes: Int) {
        self.layers = layers
        self.width = width
        self.inner = inner
        self.classes = classes
    }

    /// Makes the cost of a model; `nil` for a family whose attention has products of its own, as DeBERTa's, and for a static table,
    /// which multiplies in its head alone.
    ///
    /// - Parameter configuration: The model's.
    public init?(_ configuration: ModelConfiguration) {
        guard configuration.forwardProducts.attentionIsPlain, !configuration.isTable else { return nil }
        self.init(
            layers: configuration.numHiddenLayers, width: configuration.hiddenSize,
            inner: configuration.intermediateSize, classes: configuration.labelNames.count)
        products = configuration.forwardProducts
        if products.alwaysProjectsEmbeddings || configuration.embeddingSize != width {
            embeddingWidth = configuration.embeddingSize
        }
    }

    /// Multiply-adds where every token goes through every layer, as PyTorch and ONNX Runtime compute it.
    ///
    /// - Parameter length: The sentence's tokens, special ones included.
    public func full(length: Int) -> Int {
        layers * layer(length: length, queries: length) + embeddings(length: length) + head
    }

    /// Multiply-adds that are computed here: of the last layer only the [CLS] token's query, attention row and
    /// feed-forward network, since the logits depend on no more.
    ///
    /// - Parameter length: The sentence's tokens, special ones included.
    public func needed(length: Int) -> Int {
        (layers - 1) * layer(length: length, queries: length)
            + layer(length: length, queries: products.cutsLastLayer ? 1 : length) + embeddings(length: length)
            + head
    }

    /// Key and value of all tokens; query, scores, their sum over the values, output and feed-forward network of some.
    private func layer(length: Int, queries: Int) -> Int {
        2 * length * width * width
            + queries * (2 * width * width + products.feedForward * width * inner + 2 * length * width)
    }

    private func embeddings(length: Int) -> Int { length * (embeddingWidth ?? 0) * width }

    /// The head's dense layer and the classifier read one token, or the mean of all.
    private var head: Int { width * width + width * classes }
}

extension ModelConfiguration {
    /// The numbers in a BERT of this configuration: weights, biases, norms and tables; `nil` for other families.
    var parameterCount: Int? {
        guard modelType == "bert" else { return nil }
        let (width, inner, classes) = (hiddenSize, intermediateSize, labelNames.count)
        let embeddings = (vocabSize + maxPositionEmbeddings + typeVocabSize + 2) * width
        let layer = 4 * (width + 1) * width + (width + 1) * inner + (inner + 1) * width + 4 * width
        return embeddings + numHiddenLayers * layer + (width + 1) * width + (width + 1) * classes
    }
}
