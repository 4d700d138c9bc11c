import Torch

/// Training of a model whole, of its adapters alone, or of the numbers behind rounded weights.
extension TransformerModel {
    /// The parameters that are trained: all, with the numbers behind those that are rounded, or those of the adapters.
    public var trained: ParameterStore { adapters?.parameters ?? saved }

    /// Freezes the model and gives it low-rank adapters, which are trained instead. They change nothing until they are.
    ///
    /// - Parameters:
    ///   - options: Rank, targets and so on.
    ///   - seed: The seed of the matrices A.
    ///   - dropout: The hook that the model was made with; needed where the options drop inputs.
    /// - Throws: ``TransformersError`` where a target is no linear layer of the model, or the model has adapters already.
    public func adapt(_ options: LoRAOptions, seed: UInt64, dropout: LowRankDropout? = nil) throws {
        guard adapters == nil, rounded == nil else {
            throw TransformersError("the model has adapters, or rounded weights, already")
        }
        adapters = try LowRankAdapters(self, options, seed: seed, dropout: dropout)
    }

    /// Copies of what is trained, which later training does not change.
    public func snapshot() throws -> [String: Tensor] { try trained.snapshot() }

    /// Overwrites what is trained with a snapshot.
    ///
    /// - Throws: `TorchError` where it is of another model; nothing has changed then.
    public func restore(_ snapshot: [String: Tensor]) throws {
        try trained.restore(snapshot)
        try refreshWeights()
    }

    /// What of the model is trained, in words; `nil` where it has no adapters.
    public var adapterNote: String? {
        guard let adapters else { return nil }
        let (own, all) = (adapters.parameters.elementCount, parameters.elementCount)
        let percent = (Double(own) / Double(max(1, all)) * 1000).rounded() / 10
        return
            "LoRA of rank \(adapters.options.rank) on \(adapters.layers.count) layers: \(own) numbers are trained beside \(all) (\(percent) %)."
    }
}
