import Torch

/// What a family's encoder is made of.
struct EncoderParts {
    let embeddings: EncoderEmbeddings
    /// In the order in which they run; a layer may occur several times.
    let layers: [any EncoderLayer]
    /// After the last layer.
    var finalNorm: LayerNorm?
}
