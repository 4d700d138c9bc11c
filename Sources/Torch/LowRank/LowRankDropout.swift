/// Dropout of what low-rank adapters read, in training: a layer's output is x · Wᵀ + scale · dropout(x) · Aᵀ · Bᵀ, with W the base.
///
/// A weight that is merged does not tell both apart. So the layer computes with it all the same, and here the adapter's part is put in
/// place of the one that is in the weight. A model with this hook computes with libtorch's operations, layer by layer.
public final class LowRankDropout: LayerHook {
    private let dropout: Dropout
    private var adapters: [String: LowRankAdapter] = [:]
    /// The random state of the forward pass under way, in training; `nil` in evaluation, which changes nothing.
    private var state: DropoutState?

    /// - Parameter probability: The fraction of elements that become zero.
    public init(probability: Double) { dropout = Dropout(probability) }

    /// Sets the adapters of the model that has this hook.
    public func use(_ adapters: [LowRankAdapter]) {
        self.adapters = Dictionary(adapters.map { ($0.layer, $0) }) { first, _ in first }
    }

    /// Runs a forward pass, or a part that is computed again, in which adapters draw from a random state.
    ///
    /// - Parameters:
    ///   - state: The random state; `nil` in evaluation.
    ///   - dropout: The adapters' dropout; `nil` for none.
    ///   - body: The pass.
    /// - Throws: What `body` throws.
    public static func drawing<Result>(
        from state: DropoutState?, _ dropout: LowRankDropout?, _ body: () throws -> Result
    ) rethrows -> Result {
        guard let dropout else { return try body() }
        let before = dropout.state
        dropout.state = state
        defer { dropout.state = before }
        return try body()
    }

    public func input(_ x: Tensor, of layer: String) throws -> Tensor { x }

    public func weight(_ weight: Tensor, of layer: String) throws -> Tensor { weight }

    public func output(_ y: Tensor, input x: Tensor, of layer: String) throws -> Tensor {
        guard let state, let adapter = adapters[layer] else { return y }
        let dropped = try dropout(x, state, over: x.rank == 2 ? .tokens : .examples)
        return try y + (adapter.change(dropped) - adapter.change(x, isFrozen: true))
    }
}
