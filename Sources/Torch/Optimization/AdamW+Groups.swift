import Foundation

extension AdamW {
    /// Two groups, as Hugging Face's `Trainer` makes them: biases and normalization weights do not decay.
    ///
    /// - Parameters:
    ///   - store: Its parameters are trained, but for frozen ones.
    ///   - weightDecay: The decay of those that decay.
    ///   - beta1: The fraction of the first moment that each step keeps.
    ///   - beta2: The fraction of the second moment that each step keeps.
    ///   - epsilon: The term added to the root of the second moment.
    ///   - sparseTables: Parameters (rows, width) whose gradients are sparse.
    ///   - moments: How moments are kept.
    /// - Throws: ``TorchError`` where memory is short.
    public convenience init(
        _ store: ParameterStore, weightDecay: Double, beta1: Double = 0.9, beta2: Double = 0.999,
        epsilon: Double = 1e-8, sparseTables: [Tensor] = [], moments: MomentPrecision = .float32
    ) throws {
        try self.init(
            [store], weightDecay: weightDecay, beta1: beta1, beta2: beta2, epsilon: epsilon,
            sparseTables: sparseTables, moments: moments)
    }

    /// The same for several stores, such as a model's and its loss's projections, and with layer-wise decay of the
    /// learning rate: discriminative fine-tuning (Howard and Ruder, "ULMFiT", arXiv 1801.06146, section 3.2; Clark et
    /// al., "ELECTRA", arXiv 2003.10555, appendix B).
    ///
    /// A parameter d levels below the top learns at `layerDecay`ᵈ of the learning rate: lower layers are more general
    /// and need less change. Without layer-wise decay there are the two groups of
    /// ``init(_:weightDecay:beta1:beta2:epsilon:sparseTables:moments:)``, with it two for each depth, the top first, but for
    /// empty ones.
    ///
    /// - Parameters:
    ///   - stores: Their parameters are trained, but for frozen ones.
    ///   - weightDecay: The decay of those that decay.
    ///   - layerDecay: The factor of the learning rate from one level to the next below; 1 for none.
    ///   - depth: The number of levels from the top down to the parameter of a name, 0 for the top.
    ///   - beta1: The fraction of the first moment that each step keeps.
    ///   - beta2: The fraction of the second moment that each step keeps.
    ///   - epsilon: The term added to the root of the second moment.
    ///   - sparseTables: Parameters (rows, width) whose gradients are sparse.
    ///   - moments: How moments are kept.
    /// - Throws: ``TorchError`` where two parameters have one name, or the decay or a depth is out of its range.
    public convenience init(
        _ stores: [ParameterStore], weightDecay: Double, layerDecay: Double = 1,
        depth: (String) -> Int = { _ in 0 }, beta1: Double = 0.9, beta2: Double = 0.999,
        epsilon: Double = 1e-8, sparseTables: [Tensor] = [], moments: MomentPrecision = .float32
    ) throws {
        var names: Set<String> = []
        for name in stores.lazy.flatMap(\.names) where !names.insert(name).inserted {
            throw TorchError(
                "two of the optimizer's stores have a parameter '\(name)'; give each parameter its own name")
        }
        let entries = stores.flatMap(\.entries).filter(\.tensor.requiresGrad)
        try self.init(
            Self.groups(entries, weightDecay: weightDecay, layerDecay: layerDecay, depth: depth),
            beta1: beta1, beta2: beta2, epsilon: epsilon, sparseTables: sparseTables, moments: moments)
    }

    private static func groups(
        _ entries: [ParameterStore.Entry], weightDecay: Double, layerDecay: Double, depth: (String) -> Int
    ) throws -> [Group] {
        guard layerDecay > 0, layerDecay <= 1 else {
            throw TorchError("the layer-wise decay must be above 0 and at most 1, got \(layerDecay)")
        }
        func pair(_ entries: [ParameterStore.Entry], scale: Double) -> [Group] {
            [
                Group(
                    parameters: entries.filter { decays($0.name) }, weightDecay: weightDecay,
                    learningRateScale: scale),
                Group(
                    parameters: entries.filter { !decays($0.name) }, weightDecay: 0, learningRateScale: scale),
            ]
        }
        if layerDecay == 1 { return pair(entries, scale: 1) }
        var levels: [Int: [ParameterStore.Entry]] = [:]
        for entry in entries {
            let level = depth(entry.name)
            guard level >= 0 else {
                throw TorchError("parameter '\(entry.name)' has depth \(level); depths count from 0, the top")
            }
            levels[level, default: []].append(entry)
        }
        return levels.sorted { $0.key < $1.key }.flatMap { level, entries in
            pair(entries, scale: pow(layerDecay, Double(level))).filter { !$0.parameters.isEmpty }
        }
    }
}

/// Returns true if weight decay applies to the parameter of this name.
private func decays(_ name: String) -> Bool {
    name != "bias" && !name.hasSuffix(".bias") && !name.contains("LayerNorm") && !name.contains("layer_norm")
}
