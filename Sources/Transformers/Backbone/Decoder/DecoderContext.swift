import Torch

/// What all layers of a decoder's forward pass share.
struct DecoderContext {
    let sequences: PackedSequences
    /// The type of matrix products; the residual stream and its normalization stay float32.
    let dtype: DType
    /// The random state in training; `nil` in evaluation.
    var dropout: DropoutState?
    /// Each text's cache, where the tokens are those after what it holds; empty where texts are whole.
    var caches: [KeyValueCache] = []
    /// True if the backward pass computes layers again.
    var recomputes = false
    /// Dropout of what adapters read, which draws from the same random state.
    var adapterDropout: LowRankDropout?

    /// The same with another random state.
    func with(_ dropout: DropoutState?) -> DecoderContext {
        var copy = self
        copy.dropout = dropout
        return copy
    }
}
