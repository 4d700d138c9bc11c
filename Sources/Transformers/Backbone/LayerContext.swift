import Torch

/// The state shared by all layers of a forward pass on padded input. Shapes: B batch, L length.
struct LayerContext {
    /// (B, 1, 1, L), of type ``dtype``, added to the scores: 0 for tokens, the lowest number for padding.
    let mask: Tensor
    /// The type of matrix products. The residual stream and its normalization stay float32: a layer's
    /// contribution to it is small at first, and would be lost in bfloat16's 8 bits.
    let dtype: DType
    /// The random state in training; `nil` in evaluation.
    var dropout: DropoutState?
    /// True if the caller wants the attention probabilities.
    let needsProbabilities: Bool
    /// True if the backward pass computes layers again.
    var recomputes = false
    /// Dropout of what adapters read, which draws from the same random state.
    var adapterDropout: LowRankDropout?

    /// The same with another random state.
    func with(_ dropout: DropoutState?) -> LayerContext {
        var copy = self
        copy.dropout = dropout
        return copy
    }

    /// - Parameter attentionMask: (B, L) of 1 for tokens and 0 for padding.
    init(
        attentionMask: Tensor, dtype: DType, dropout: DropoutState?, needsProbabilities: Bool = false
    ) throws {
        let isPadding = try attentionMask.equal(0).unsqueezed(1).unsqueezed(1)
        mask = try Self.additive(isPadding, dtype)
        self.dtype = dtype
        self.dropout = dropout
        self.needsProbabilities = needsProbabilities
    }

    /// Converts booleans to numbers that are added to scores: the lowest where true, else 0.
    ///
    /// Minus infinity would make a row without any token NaN.
    static func additive(_ hidden: Tensor, _ dtype: DType) throws -> Tensor {
        // The lowest float32 would be rounded to minus infinity in bfloat16.
        let lowest = dtype == .bfloat16 ? -3.38e38 : -Double(Float.greatestFiniteMagnitude)
        return try Tensor.zeros(hidden.shape, dtype: dtype, device: hidden.device).maskedFill(hidden, lowest)
    }
}
