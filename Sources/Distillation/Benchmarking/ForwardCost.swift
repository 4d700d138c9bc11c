import Transformers

/// What one forward pass of a BERT classifier over one sentence costs in multiply-adds.
///
/// Only matrix products count: the projections, attention scores and their sums over values, the feed-forward network,
/// the pooler and the classifier. Normalisation, softmax, activations, biases and table look-ups are left out, as
/// PyTorch's `FlopCounterMode` leaves them out (which counts a multiply-add as two). A cost says nothing of the type of
/// the numbers: int8 and float32 have the same.
public struct ForwardCost: Sendable, Equatable {
    /// Of the configuration.
    public var layers: Int
    /// The hidden size.
    public var width: Int
    /// The inner size of the feed-forward network.
    public var inner: Int
    /// The number of logits.
    public var classes: Int

    /// Makes a cost from sizes.
    public init(layers: Int, width: Int, inner: Int, classes: Int) {
        self.layers = layers
        self.width = width
        self.inner = inner
        self.classes = classes
    }

    /// Makes the cost of a model.
    ///
    /// - Parameter configuration: The model's.
    public init(_ configuration: ModelConfiguration) {
        self.init(
            layers: configuration.numHiddenLayers, width: configuration.hiddenSize,
            inner: configuration.intermediateSize, classes: configuration.labelNames.count)
    }

    /// Multiply-adds where every token goes through every layer, as PyTorch and ONNX Runtime compute it.
    ///
    /// - Parameter length: The sentence's tokens, special ones included.
    public func full(length: Int) -> Int {
        layers * layer(length: length, queries: length) + head
    }

    /// Multiply-adds that the logits depend on, which is what is computed here: of the last layer only the first
    /// token's query, attention row and feed-forward network.
    ///
    /// - Parameter length: The sentence's tokens, special ones included.
    public func needed(length: Int) -> Int {
        (layers - 1) * layer(length: length, queries: length) + layer(length: length, queries: 1) + head
    }

    /// Key and value of all tokens; query, scores, their sum over the values, output and feed-forward network of some.
    private func layer(length: Int, queries: Int) -> Int {
        2 * length * width * width
            + queries * (2 * width * width + 2 * width * inner + 2 * length * width)
    }

    /// The pooler and the classifier read the first token.
    private var head: Int { width * width + width * classes }
}

extension ModelConfiguration {
    /// The numbers in a model of this configuration: weights, biases, norms and tables.
    var parameterCount: Int {
        let (width, inner, classes) = (hiddenSize, intermediateSize, labelNames.count)
        let embeddings = (vocabSize + maxPositionEmbeddings + typeVocabSize + 2) * width
        let layer = 4 * (width + 1) * width + (width + 1) * inner + (inner + 1) * width + 4 * width
        return embeddings + numHiddenLayers * layer + (width + 1) * width + (width + 1) * classes
    }
}
