import Torch

/// A padded batch of token ids. Shapes: B batch, L length.
struct ModelInput {
    /// (B, L) int64
    let inputIDs: Tensor
    /// (B, L) int64: 1 at tokens, 0 at padding
    let attentionMask: Tensor
    /// (B, L) int64: the token type of each token; `nil` for all 0
    let tokenTypeIDs: Tensor?

    init(inputIDs: Tensor, attentionMask: Tensor, tokenTypeIDs: Tensor? = nil) {
        self.inputIDs = inputIDs
        self.attentionMask = attentionMask
        self.tokenTypeIDs = tokenTypeIDs
    }

    /// - Throws: ``TransformersError`` unless all tensors have the same shape (B, L), with L from 1 to
    ///   `maxLength`.
    func validate(maxLength: Int) throws {
        let shape = inputIDs.shape
        guard shape.count == 2, shape[0] > 0, shape[1] > 0 else {
            throw TransformersError(
                "input_ids have the shape \(shape); give a batch (B, L) of at least one token")
        }
        guard shape[1] <= maxLength else {
            throw TransformersError.tooLong(shape[1], maxLength)
        }
        guard attentionMask.shape == shape else {
            throw TransformersError(
                "attention_mask has the shape \(attentionMask.shape), input_ids \(shape); give them the same")
        }
        guard tokenTypeIDs == nil || tokenTypeIDs?.shape == shape else {
            throw TransformersError(
                "token_type_ids have the shape \(tokenTypeIDs?.shape ?? []), input_ids \(shape); "
                    + "give them the same")
        }
    }
}
