import CTorch

/// AdamW (Loshchilov and Hutter, arXiv 1711.05101), with libtorch's fused update, as `torch.optim.AdamW`.
public final class AdamW {
    /// Parameters that share a weight decay.
    public struct Group {
        public let parameters: [ParameterStore.Entry]
        public let weightDecay: Double

        public init(parameters: [ParameterStore.Entry], weightDecay: Double) {
            self.parameters = parameters
            self.weightDecay = weightDecay
        }
    }

    /// Everything the optimiser remembers between steps, by parameter name.
    public struct State {
        public var step: Int
        public var firstMoments: [String: Tensor]
        public var secondMoments: [String: Tensor]

        public init(step: Int, firstMoments: [String: Tensor], secondMoments: [String: Tensor]) {
            self.step = step
            self.firstMoments = firstMoments
            self.secondMoments = secondMoments
        }
    }

    public let groups: [Group]
    public let beta1: Double
    public let beta2: Double
    public let epsilon: Double
    public private(set) var step = 0

    private let firstMoments: [[Tensor]]
    private let secondMoments: [[Tensor]]

    public init(_ groups: [Group], beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8) throws
    {
        self.groups = groups
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        firstMoments = try groups.map { try $0.parameters.map { try $0.tensor.zerosLike() } }
        secondMoments = try groups.map { try $0.parameters.map { try $0.tensor.zerosLike() } }
    }

    /// Two groups, as Hugging Face's `Trainer` makes them: biases and normalisation weights do not decay.
    public convenience init(
        _ store: ParameterStore, weightDecay: Double, beta1: Double = 0.9, beta2: Double = 0.999,
        epsilon: Double = 1e-8
    ) throws {
        let entries = store.entries.filter(\.tensor.requiresGrad)
        try self.init(
            [
                Group(parameters: entries.filter { decays($0.name) }, weightDecay: weightDecay),
                Group(parameters: entries.filter { !decays($0.name) }, weightDecay: 0),
            ], beta1: beta1, beta2: beta2, epsilon: epsilon)
    }

    /// The parameters of all groups.
    public var parameters: [Tensor] { groups.flatMap { $0.parameters.map(\.tensor) } }

    /// Updates every parameter from its gradient.
    ///
    /// - Throws: ``TorchError`` where a parameter has no gradient; nothing has changed then.
    public func step(learningRate: Double) throws {
        for group in groups {
            for entry in group.parameters where try entry.tensor.gradient == nil {
                throw TorchError("adamw_: parameter '\(entry.name)' has no gradient; call backward first")
            }
        }
        step += 1
        for (index, group) in groups.enumerated() {
            let options = ct_adamw_options(
                learning_rate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon,
                weight_decay: group.weightDecay, step: Int64(step))
            try Tensor.withHandles(group.parameters.map(\.tensor)) { parameters, count in
                try Tensor.withHandles(firstMoments[index]) { first, _ in
                    try Tensor.withHandles(secondMoments[index]) { second, _ in
                        try check(ct_adamw_(parameters, first, second, count, options))
                    }
                }
            }
        }
    }

    public func clearGradients() throws {
        for parameter in parameters { try parameter.clearGradient() }
    }

    /// Scales all gradients so that their joint norm is at most `maxNorm` (Pascanu et al., arXiv 1211.5063).
    ///
    /// - Returns: The norm before scaling; not finite where a gradient is not.
    /// - Throws: ``TorchError`` unless `maxNorm` is positive, and where a parameter has no gradient.
    @discardableResult
    public func clipGradients(maxNorm: Double) throws -> Double {
        var norm = 0.0
        try Tensor.withHandles(parameters) { handles, count in
            try check(ct_clip_grad_norm_(handles, count, maxNorm, &norm))
        }
        return norm
    }
}

extension AdamW {
    /// A copy of the state, which later steps do not change.
    public func state() throws -> State {
        var state = State(step: step, firstMoments: [:], secondMoments: [:])
        for (index, group) in groups.enumerated() {
            for (place, entry) in group.parameters.enumerated() {
                state.firstMoments[entry.name] = try firstMoments[index][place].clone()
                state.secondMoments[entry.name] = try secondMoments[index][place].clone()
            }
        }
        return state
    }

    /// Goes back to a saved state.
    ///
    /// - Throws: ``TorchError`` where it is of other parameters; nothing has changed then.
    public func restore(_ state: State) throws {
        var copies: [(from: Tensor, to: Tensor)] = []
        for (index, group) in groups.enumerated() {
            for (place, entry) in group.parameters.enumerated() {
                guard let first = state.firstMoments[entry.name], let second = state.secondMoments[entry.name]
                else { throw TorchError("the optimiser's state lacks the parameter '\(entry.name)'") }
                for saved in [first, second] where saved.shape != entry.tensor.shape {
                    throw TorchError(
                        "parameter '\(entry.name)' has shape \(entry.tensor.shape), "
                            + "the optimiser's state \(saved.shape)")
                }
                copies.append((first, firstMoments[index][place]))
                copies.append((second, secondMoments[index][place]))
            }
        }
        for copy in copies { try copy.to.copy(from: copy.from) }
        step = state.step
    }
}

/// Whether weight decay applies to the parameter of this name.
private func decays(_ name: String) -> Bool {
    name != "bias" && !name.hasSuffix(".bias") && !name.contains("LayerNorm") && !name.contains("layer_norm")
}
