import CTorch

/// A weight that is rounded to the blocks of a GGUF file, and the numbers behind it, which are trained.
///
/// The weight stays the tensor that layers multiply by, so that every way to compute a layer computes the rounded one: ``round()``
/// writes it whenever the numbers have changed. A gradient that the weight gets becomes that of the numbers, as if nothing were
/// rounded (the straight-through estimator; Bengio et al., arXiv 1308.3432; Liu et al., "LLM-QAT", arXiv 2305.17888).
public final class RoundedWeight {
    /// The parameter's name.
    public let name: String
    /// What is trained, of the weight's shape.
    public let numbers: Tensor
    private let weight: Tensor
    private let type: Int32
    private let isTransposed: Bool

    /// Makes the numbers of a weight as it is, and rounds it.
    ///
    /// - Parameters:
    ///   - name: The parameter's name.
    ///   - weight: (outputs, inputs), float32; it is rounded in place.
    ///   - type: ggml's number of the blocks' type, whose blocks run along the inputs.
    ///   - isTransposed: True if the weight is stored as (inputs, outputs).
    /// - Throws: ``TorchError`` for another type, or inputs that its blocks do not fill.
    public init(name: String, weight: Tensor, type: Int32, isTransposed: Bool) throws {
        (self.name, self.weight, self.type, self.isTransposed) = (name, weight, type, isTransposed)
        numbers = try weight.detached().clone()
        try numbers.setRequiresGrad(weight.requiresGrad)
        try check(ct_rounded_weight_attach(weight.handle, numbers.handle))
        try round()
    }

    deinit { ct_rounded_weight_detach(weight.handle) }

    /// Sets the weight to what the numbers are in the file.
    public func round() throws {
        try check(ct_round_weight_(weight.handle, numbers.handle, type, isTransposed))
    }
}
