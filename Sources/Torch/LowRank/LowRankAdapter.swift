import CTorch

/// A low-rank adapter of a linear layer's weight: LoRA (Hu et al., arXiv 2106.09685).
///
/// The weight is its base plus scale · B · A, and stays the tensor that the layer multiplies by, so that every way to compute the layer
/// computes the adapted one: ``merge()`` writes it there whenever A or B have changed. A gradient that the weight gets becomes those of A
/// and B within the backward pass and is freed, so that the gradients of all weights are never in memory together.
///
/// Shapes: O outputs, I inputs, R rank.
public final class LowRankAdapter {
    /// The layer's path: the weight's name without `.weight`.
    public let layer: String
    /// (R, I)
    public let a: Tensor
    /// (O, R)
    public let b: Tensor
    /// The factor of B · A.
    public let scale: Double
    /// True if the weight is stored as (I, O).
    public let isTransposed: Bool
    private let weight: Tensor
    /// The weight without the adapter, in half precision where that is exact.
    private let base: Tensor
    /// True if the weight's gradient becomes those of A and B.
    private let isAttached: Bool

    /// Makes an adapter that changes nothing yet: B is zero, and A is as PEFT makes it (Kaiming's uniform distribution with a = √5).
    ///
    /// - Parameters:
    ///   - linear: The layer; its weight is adapted in place.
    ///   - rank: R.
    ///   - scale: The factor of B · A.
    ///   - scope: The scope of the adapters' parameters, where these are registered as `<layer>.lora_A.weight` and `<layer>.lora_B.weight`.
    ///   - isAttached: False where the layer's output tells A and B apart from its weight, so that they get gradients of their own.
    /// - Throws: ``TorchError`` where memory is short.
    public init(
        _ linear: ParameterStore.LinearLayer, rank: Int, scale: Double, in scope: ParameterScope,
        isAttached: Bool
    ) throws {
        let shape = linear.weight.shape
        let (outputs, inputs) = linear.isTransposed ? (shape[1], shape[0]) : (shape[0], shape[1])
        layer = linear.name
        weight = linear.weight
        isTransposed = linear.isTransposed
        (self.scale, self.isAttached) = (scale, isAttached)
        let own = scope[linear.name]
        a = try own["lora_A"].parameter(
            "weight", shape: [rank, inputs],
            initializer: .uniform(bound: 1 / Double(inputs).squareRoot()))
        b = try own["lora_B"].parameter("weight", shape: [outputs, rank], initializer: .zeros)
        base = try .make { ct_compact_copy(linear.weight.handle, $0) }
        try weight.setRequiresGrad(isAttached)
        guard isAttached else { return }
        try check(
            ct_low_rank_attach(
                weight.handle, a.handle, b.handle, scale, isTransposed, PackedKernels.areEnabled))
    }

    deinit { if isAttached { ct_low_rank_detach(weight.handle) } }

    /// The bytes that the adapter takes besides A and B.
    public var baseBytes: Int { base.count * base.dtype.size }

    /// Sets the layer's weight to what base, A and B are together.
    public func merge() throws {
        try check(
            ct_low_rank_merge_(
                weight.handle, base.handle, a.handle, b.handle, scale, isTransposed, PackedKernels.areEnabled)
        )
    }

    /// scale · x · Aᵀ · Bᵀ, in the input's type: (…, I) → (…, O).
    ///
    /// - Parameter isFrozen: True if A and B get no gradient of it.
    func change(_ x: Tensor, isFrozen: Bool = false) throws -> Tensor {
        let (a, b) = isFrozen ? (try self.a.detached(), try self.b.detached()) : (self.a, self.b)
        return try x.linear(a.to(x.dtype), bias: nil).linear(b.to(x.dtype), bias: nil) * scale
    }
}

extension ParameterStore.LinearLayer {
    /// Adds scale · B · A to the layer's weight for good.
    ///
    /// - Parameters:
    ///   - a: (R, I)
    ///   - b: (O, R)
    ///   - scale: The factor.
    /// - Throws: ``TorchError`` where the shapes do not fit.
    public func add(_ a: Tensor, _ b: Tensor, scale: Double) throws {
        try check(
            ct_low_rank_merge_(
                weight.handle, weight.handle, a.handle, b.handle, scale, isTransposed,
                PackedKernels.areEnabled))
    }
}
