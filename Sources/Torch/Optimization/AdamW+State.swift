extension AdamW {
    /// A copy of the state, which later steps do not change.
    public func state() throws -> State {
        try synchronize()
        var state = State(step: step, steps: [:], firstMoments: [:], secondMoments: [:])
        for (index, group) in groups.enumerated() {
            for (place, entry) in group.parameters.enumerated() {
                state.steps[entry.name] = steps[index][place]
                state.firstMoments[entry.name] = try firstMoments[index][place].clone()
                state.secondMoments[entry.name] = try secondMoments[index][place].clone()
                guard let scales = scales[index][place] else { continue }
                state.firstMoments[Self.scaleName(entry.name)] = try scales.first.clone()
                state.secondMoments[Self.scaleName(entry.name)] = try scales.second.clone()
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
                else { throw TorchError("the optimizer's state lacks the parameter '\(entry.name)'") }
                for saved in [first, second] where saved.shape != entry.tensor.shape {
                    throw TorchError(
                        "parameter '\(entry.name)' has shape \(entry.tensor.shape), "
                            + "the optimizer's state \(saved.shape)")
                }
                guard first.dtype == firstMoments[index][place].dtype else {
                    throw TorchError(
                        "the optimizer's state keeps the moments of '\(entry.name)' as \(first.dtype.rawValue), this optimizer as "
                            + firstMoments[index][place].dtype.rawValue)
                }
                copies.append((first, firstMoments[index][place]))
                copies.append((second, secondMoments[index][place]))
                guard let scales = scales[index][place] else { continue }
                let name = Self.scaleName(entry.name)
                guard let first = state.firstMoments[name], let second = state.secondMoments[name],
                    first.shape == scales.first.shape, second.shape == scales.second.shape
                else { throw TorchError("the optimizer's state lacks the scales of '\(entry.name)'") }
                copies += [(first, scales.first), (second, scales.second)]
            }
        }
        for copy in copies { try copy.to.copy(from: copy.from) }
        skips = nil
        step = state.step
        for (index, group) in groups.enumerated() {
            steps[index] = group.parameters.map { state.steps[$0.name] ?? state.step }
        }
        for place in tables.indices {
            let count = steps[tables[place].group][tables[place].place]
            tables[place].learningRates = [Double](repeating: 0, count: count)
            try tables[place].rowSteps.fill(Double(count))
        }
    }
}
