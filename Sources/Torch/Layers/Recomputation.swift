import CTorch

/// Recomputation instead of stored activations (Chen et al., arXiv 1604.06174), as PyTorch's `checkpoint`.
public enum Recomputation {
    /// A part of a forward pass with what it needs to run again.
    fileprivate final class Part {
        let body: (Tensor, DropoutState?) throws -> Tensor
        let position: DropoutState.Position?
        let before: DropoutState.Before?
        /// The random state behind the part.
        var end: DropoutState.Position?

        init(_ state: DropoutState?, _ body: @escaping (Tensor, DropoutState?) throws -> Tensor) {
            (self.body, position, before) = (body, state?.position, state?.before)
        }

        func run(_ x: Tensor) throws -> Tensor {
            let state = position.map { DropoutState(position: $0) }
            if let before { state?.before = before }
            let output = try body(x, state)
            end = state?.position
            return output
        }
    }

    /// Runs a part of a forward pass that keeps its input alone; the backward pass runs it again, with the same dropout.
    ///
    /// Gradients are those without recomputation. Without a graph the part runs as it is.
    ///
    /// - Parameters:
    ///   - x: The part's input.
    ///   - state: The random state, which goes on as if the part had run with it.
    ///   - body: The part, given its input and random state; it changes nothing else.
    public static func run(
        _ x: Tensor, _ state: DropoutState?, _ body: @escaping (Tensor, DropoutState?) throws -> Tensor
    ) throws -> Tensor {
        guard isGradEnabled else { return try body(x, state) }
        // A gradient only flows into the part where its input has one.
        let input = x.requiresGrad ? x : try x.detached()
        if !input.requiresGrad { try input.setRequiresGrad(true) }
        let part = Part(state, body)
        let body = ct_checkpoint_body(
            context: Unmanaged.passRetained(part).toOpaque(),
            run: { context, input, out in
                guard let context, let input, let out else { return nil }
                let part = Unmanaged<Part>.fromOpaque(context).takeUnretainedValue()
                return recomputed(part, input, out)
            },
            release: { context in
                if let context { Unmanaged<Part>.fromOpaque(context).release() }
            })
        let output = try Tensor.make { ct_checkpoint(input.handle, body, $0) }
        if let end = part.end { state?.position = end }
        return output
    }
}

/// Runs a part again on a handle of its input.
private func recomputed(
    _ part: Recomputation.Part, _ input: ct_tensor, _ out: UnsafeMutablePointer<ct_tensor?>
) -> ct_error? {
    var copy: ct_tensor?
    if let error = ct_alias(input, &copy) { return error }
    guard let copy else { return nil }
    do {
        let output = try part.run(Tensor(owning: copy))
        return ct_alias(output.handle, out)
    } catch {
        return ct_make_error("\(error)")
    }
}
