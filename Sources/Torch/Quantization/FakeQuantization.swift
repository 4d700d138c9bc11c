/// Trains a model as if its weights and activations were int8: both are rounded on the way forward, and gradients pass as if
/// they were not (the straight-through estimator; Bengio et al., arXiv 1308.3432; Jacob et al., arXiv 1712.05877).
///
/// Weights have a scale for each row, activations for each token: what ``Int8Weight`` computes with.
public final class FakeQuantization: LayerHook {
    /// Layers that stay in floating point, by their full names.
    public var ignored: Set<String>
    /// Steps of an activation on each side of zero.
    public let activationLevels: Int

    public init(ignoring ignored: Set<String> = [], activationLevels: Int = 127) {
        self.ignored = ignored
        self.activationLevels = activationLevels
    }

    public func input(_ x: Tensor, of layer: String) throws -> Tensor {
        ignored.contains(layer) ? x : try straightThrough(x, levels: activationLevels)
    }

    public func weight(_ weight: Tensor, of layer: String) throws -> Tensor {
        ignored.contains(layer) ? weight : try straightThrough(weight, levels: 127)
    }

    private func straightThrough(_ x: Tensor, levels: Int) throws -> Tensor {
        let rounded = try x.detached().fakeQuantized(byRow: true, levels: levels)
        guard x.requiresGrad else { return rounded }
        return try x + (rounded - x.detached())
    }
}
