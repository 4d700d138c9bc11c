import Torch

/// What all layers of a decoder's forward pass share. Shapes: T tokens of all texts, D head size.
struct DecoderContext {
    /// The start of each text, then T.
    let offsets: [Int]
    /// (T) int64: the place of each token in its text.
    let positions: Tensor
    /// The type of matrix products; the residual stream and its normalization stay float32.
    let dtype: DType
    /// The random state in training; `nil` in evaluation.
    let dropout: DropoutState?

    init(_ input: PackedInput, dtype: DType, dropout: DropoutState?, device: Device) throws {
        offsets = input.offsets
        var places: [Int64] = []
        places.reserveCapacity(input.inputIDs.count)
        for text in 0..<input.count {
            places += 0..<Int64(input.offsets[text + 1] - input.offsets[text])
        }
        positions = try Tensor(places, device: device)
        (self.dtype, self.dropout) = (dtype, dropout)
    }

    /// The longest text's number of tokens.
    var longest: Int { zip(offsets, offsets.dropFirst()).map { $1 - $0 }.max() ?? 0 }
}
