import CTorch

/// Automatic differentiation.
extension Tensor {
    /// True if gradients flow into or through this tensor.
    public var requiresGrad: Bool { ct_requires_grad(handle) }

    /// Asks for a gradient of this leaf, or no longer.
    ///
    /// - Throws: ``TorchError`` for integers, or for the result of another operation.
    public func setRequiresGrad(_ on: Bool) throws { try check(ct_set_requires_grad(handle, on)) }

    /// The same elements outside of the graph.
    public func detached() throws -> Tensor { try .make { ct_detach(handle, $0) } }

    /// Adds the gradients of this scalar to every leaf that requires one.
    ///
    /// - Throws: ``TorchError`` where this is no scalar or depends on no such leaf.
    public func backward() throws { try check(ct_backward(handle)) }

    /// The gradient accumulated so far, if there is one.
    public var gradient: Tensor? {
        get throws {
            var out: ct_tensor?
            try check(ct_grad(handle, &out))
            return out.map { Tensor(owning: $0) }
        }
    }

    /// True if a gradient has been accumulated.
    public var hasGradient: Bool { ct_has_grad(handle) }

    /// Forgets the accumulated gradient and frees its memory.
    public func clearGradient() throws { try check(ct_clear_grad(handle)) }
}

/// True on a thread that records a graph of what it computes.
public var isGradEnabled: Bool { ct_grad_enabled() }

/// Runs a body that records no graph: for frozen models, evaluation and updates.
///
/// libtorch keeps this mode per thread, so the body cannot suspend.
public func withNoGrad<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = ct_grad_enabled()
    ct_set_grad_enabled(false)
    defer { ct_set_grad_enabled(before) }
    return try body()
}
