import Torch

/// What all layers of a decoder's forward pass share.
struct DecoderContext {
    let sequences: PackedSequences
    /// The type of matrix products; the residual stream and its normalization stay float32.
    let dtype: DType
    /// The random state in training; `nil` in evaluation.
    let dropout: DropoutState?
    /// Each text's cache, where the tokens are those after what it holds; empty where texts are whole.
    var caches: [KeyValueCache] = []
}
