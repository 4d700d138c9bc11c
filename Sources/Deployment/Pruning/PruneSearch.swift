import Distillation
import Transformers

/// A search for a shape, and the model of that shape, which is timed where the search was for a time.
struct PruneSearch {
    /// A shape, its model and what was tried for it.
    struct Found {
        var shape: ModelShape
        var model: TransformerModel
        /// What is kept of each layer; `nil` where layers are kept whole.
        var selection: PrunedSelection?
        var trials: [PruneReport.Trial]
        /// What the model takes, and the target; `nil` unless the search was for a time.
        var latency: PruneReport.Latency?
    }

    let work: PruningWork
    let budget: any ShapeBudget

    /// The most searches for a time: each for a smaller shape than that before, whose model was over the target.
    private static let most = 3

    /// Searches, and where a model is over the target for its time, again for less.
    ///
    /// - Throws: `DistillationError` where no shape is small enough, or sizes that are given do not fit the model.
    func run() throws -> Found {
        let sizes = work.request.sizes
        // Sizes that a search keeps to are refused here; it would take them for shapes that are too large.
        _ = try PrunedSizes(
            layers: sizes.layers, hiddenSize: sizes.hiddenSize, intermediateSize: sizes.intermediateSize,
            keyValueHeads: sizes.keyValueHeads
        ).shape(of: work.configuration)
        try work.measure()
        guard let first = try search(known: []) else { throw budget.impossible() }
        guard let budget = budget as? LatencyBudget else { return first }
        return try reachingTarget(first, budget)
    }

    /// Searches again while the model is over the target; of all models returns the one that takes the least.
    private func reachingTarget(_ first: Found, _ budget: LatencyBudget) throws -> Found {
        var (best, last, searches) = (first, first, 1)
        while let latency = last.latency, !latency.isMet, searches < Self.most {
            work.log.send(
                .note(
                    "\(Self.text(latency)), over --target-latency \(latency.target): searching for a smaller shape"
                ))
            budget.tighten(by: latency)
            searches += 1
            // Where no shape is smaller, what was found before is kept.
            guard let smaller = try search(known: last.trials) else { break }
            last = smaller
            if (last.latency?.excess ?? 1) < (best.latency?.excess ?? 1) { best = last }
        }
        best.latency?.searches = searches
        if let latency = best.latency, !latency.isMet {
            work.log.warnOnce(
                "--target-latency \(latency.target) is not met: \(Self.text(latency)), after \(searches) searches; it is saved all the "
                    + "same. Give a smaller --target-latency, or repeat this on a machine that does nothing else"
            )
        }
        return best
    }

    /// Searches once.
    ///
    /// - Returns: `nil` where no shape is within the budget.
    private func search(known: [PruneReport.Trial]) throws -> Found? {
        let timed = budget as? LatencyBudget
        let search = ShapeSearch(model: work.model, budget: budget, sizes: work.request.sizes) { shape in
            var trial = try work.trial(shape)
            trial.latencyRatio = try timed?.ratio(shape)
            return trial
        }
        try work.chooseLayers(fewest: search.fewestLayers())
        let trials = try work.log.phase("Searching for a shape") { try search.run(known: known) }
        guard let shape = trials.first?.shape else { return nil }
        let (model, selection) = try work.model(shape)
        var found = Found(shape: shape, model: model, selection: selection, trials: trials)
        if let timed { found.latency = try work.log.phase("Timing") { try timed.result(model, shape) } }
        return found
    }

    private static func text(_ latency: PruneReport.Latency) -> String {
        func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
        return
            "the pruned model takes \(rounded(latency.milliseconds)) ms for a text of \(latency.textTokens) tokens, "
            + "\(rounded(latency.ratio)) of the model's \(rounded(latency.modelMilliseconds)) ms"
    }
}
