/// A moving average of a model's weights, which often judges better than the last ones (Polyak and Juditsky, "Acceleration
/// of Stochastic Approximation by Averaging", 1992; Tarvainen and Valpola, arXiv 1703.01780).
///
/// After step n the average is `d · average + (1 − d) · weight`, with d the smaller of the decay and
/// (1 + n) / (10 + n): early averages forget the start, as in TensorFlow's `ExponentialMovingAverage`. With an interval
/// k, weights are taken every k steps only, with d to the power of k: nearly the same average for a kth of the work.
public final class ExponentialMovingAverage {
    public let decay: Double
    public let interval: Int
    private let store: ParameterStore
    private var averages: [Tensor]
    private var steps = 0

    /// Everything that it remembers, by parameter name.
    public struct State {
        public var steps: Int
        public var averages: [String: Tensor]
    }

    /// - Parameters:
    ///   - store: Whose weights are averaged, from their present values on.
    ///   - decay: The share of the average that a step keeps, such as 0.999.
    ///   - interval: The steps between two updates, at least 1.
    /// - Throws: ``TorchError`` where memory is short.
    public init(_ store: ParameterStore, decay: Double, interval: Int = 1) throws {
        self.store = store
        self.interval = interval
        self.decay = decay
        averages = try store.tensors.map { try $0.detached().clone() }
    }

    /// Whether the next call of ``update()`` takes weights.
    public var isDue: Bool { (steps + 1).isMultiple(of: interval) }

    /// Counts a step, and takes the weights into the averages where it is their turn. Weights that an optimiser updates
    /// late must be up to date: where ``isDue``, call ``AdamW/synchronize()`` before.
    public func update() throws {
        steps += 1
        guard steps.isMultiple(of: interval) else { return }
        var kept = 1.0
        for step in steps - interval + 1...steps { kept *= min(decay, Double(1 + step) / Double(10 + step)) }
        for (average, weight) in zip(averages, store.tensors) {
            try average.interpolate(towards: weight.detached(), by: 1 - kept)
        }
    }

    /// Runs a body with the averages in the weights' place; the weights come back also where it throws.
    public func withAverages<Result>(_ body: () throws -> Result) throws -> Result {
        let weights = try store.tensors.map { try $0.detached().clone() }
        func put(_ values: [Tensor]) throws {
            try withNoGrad {
                for (place, value) in zip(store.tensors, values) { try place.copy(from: value) }
            }
        }
        try put(averages)
        let result = Swift.Result { try body() }
        try put(weights)
        return try result.get()
    }

    /// A copy of the state, which later updates do not change.
    public func state() throws -> State {
        var state = State(steps: steps, averages: [:])
        for (entry, average) in zip(store.entries, averages) {
            state.averages[entry.name] = try average.clone()
        }
        return state
    }

    /// Goes back to a saved state.
    ///
    /// - Throws: ``TorchError`` where it is of other parameters; nothing has changed then.
    public func restore(_ state: State) throws {
        averages = try store.entries.map { entry in
            guard let saved = state.averages[entry.name], saved.shape == entry.tensor.shape else {
                throw TorchError(
                    "the averages lack the parameter '\(entry.name)' of shape \(entry.tensor.shape)")
            }
            return try saved.clone()
        }
        steps = state.steps
    }
}
